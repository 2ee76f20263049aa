-- scenario: bull
-- condition: Trailing earnings of the Russell 2000 grow faster than those of the S&P 500.
-- series: company_refinancing.net_income_ttm_usd, same companies a year apart
-- threshold: above 0
-- unit: percentage points
with growth as (
    select
        later.index_code, later.as_of_date,
        100 * (sum(later.net_income_ttm_usd) - sum(earlier.net_income_ttm_usd))
            / nullif(abs(sum(earlier.net_income_ttm_usd)), 0) as growth_pct
    from published.company_refinancing as later
    join published.company_refinancing as earlier
        on earlier.cik = later.cik
        and earlier.as_of_date = (later.as_of_date + 1 - interval '1 year')::date - 1
    where later.index_code in ('R2000', 'SP500')
        and later.net_income_ttm_usd is not null and earlier.net_income_ttm_usd is not null
    group by later.index_code, later.as_of_date
)
select
    small.as_of_date as day, small.growth_pct - large.growth_pct as value,
    small.growth_pct > large.growth_pct as is_met
from growth as small
join growth as large on large.as_of_date = small.as_of_date and large.index_code = 'SP500'
where small.index_code = 'R2000'
order by small.as_of_date;
