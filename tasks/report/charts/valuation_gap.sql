-- title: Valuation gap
-- question: How much dearer are large caps, loss makers left out, and how unusual is the gap? Its
--   deviations need 12 quarters; dashed: two of them.
-- source: SEC filings and Yahoo prices, by published.valuation_gap; trailing earnings
-- empty: No price/earnings are known: they need prices and filings of index members.
-- order: 60
select
    as_of_date, round(large_pe_ex_losers::numeric, 2)::double precision as large_pe_ex_losers,
    round(small_pe_ex_losers::numeric, 2)::double precision as small_pe_ex_losers,
    round(gap_ex_losers::numeric, 2)::double precision as gap_ex_losers,
    round(gap_zscore::numeric, 2)::double precision as gap_zscore,
    round(earnings_coverage_pct::numeric, 1)::double precision as earnings_coverage_pct, is_backcast
from published.valuation_gap
where sector = 'All' and as_of_date >= (
    select min(as_of_date) from published.valuation_gap
    where sector = 'All' and coalesce(large_pe_ex_losers, small_pe_ex_losers) is not null
)
order by as_of_date;
