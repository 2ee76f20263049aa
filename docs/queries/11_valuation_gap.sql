-- How much dearer are large caps than small caps, by trailing earnings?
-- Losses count: leaving loss makers out flatters small caps, so both are shown.
select
    as_of_date, round(large_pe::numeric, 1) as large_pe, round(small_pe::numeric, 1) as small_pe,
    round(large_pe_ex_losers::numeric, 1) as large_pe_ex_losers,
    round(small_pe_ex_losers::numeric, 1) as small_pe_ex_losers,
    round(gap_zscore::numeric, 2) as gap_zscore,
    round(earnings_coverage_pct::numeric) as earnings_coverage_pct, is_backcast
from published.valuation_gap
where sector = 'All'
order by as_of_date desc
limit 12;
