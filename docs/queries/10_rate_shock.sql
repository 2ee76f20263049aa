-- What does a change of short rates by one percentage point do to a year of interest?
-- low and high are bounds for debt whose floating share is unknown. All is without Financials.
select
    index_code, sector, as_of_date, shock_bp,
    round((interest_change_usd / 1e6)::numeric) as interest_change_usd_m,
    round((interest_change_low_usd / 1e6)::numeric) as low_usd_m,
    round((interest_change_high_usd / 1e6)::numeric) as high_usd_m,
    round(floating_share_coverage_pct::numeric) as floating_share_coverage_pct
from published.rate_shock
where sector = 'All' and abs(shock_bp) = 100
    and as_of_date = (select max(as_of_date) from published.rate_shock)
order by index_code, shock_bp;
