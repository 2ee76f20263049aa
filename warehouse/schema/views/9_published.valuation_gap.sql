create or replace view published.valuation_gap as
with gap as (
    select
        small.sector, small.as_of_date, large.price_to_earnings_ex_losers as large_pe_ex_losers,
        small.price_to_earnings_ex_losers as small_pe_ex_losers,
        large.price_to_earnings as large_pe, small.price_to_earnings as small_pe,
        large.price_to_earnings_ex_losers - small.price_to_earnings_ex_losers as gap,
        least(large.earnings_coverage_pct, small.earnings_coverage_pct) as earnings_coverage_pct,
        large.is_backcast or small.is_backcast as is_backcast
    from derived.valuation as small
    join derived.valuation as large using (sector, as_of_date)
    where small.index_code = 'R2000' and large.index_code = 'SP500'
)
select
    sector, as_of_date, large_pe::double precision as large_pe,
    small_pe::double precision as small_pe,
    large_pe_ex_losers::double precision as large_pe_ex_losers,
    small_pe_ex_losers::double precision as small_pe_ex_losers,
    gap::double precision as gap_ex_losers,
    case
        when gap is not null and count(gap) over known >= 12 then
            (gap - avg(gap) over known) / nullif(stddev_samp(gap) over known, 0)
    end::double precision as gap_zscore,
    (count(gap) over known)::integer as quarters,
    earnings_coverage_pct::double precision as earnings_coverage_pct, is_backcast
from gap
window known as (partition by sector order by as_of_date);
comment on view published.valuation_gap is
'One row per sector (All: the whole index) and quarter-end: trailing price/earnings of the S&P 500 against the Russell 2000.';
comment on column published.valuation_gap.sector is 'GICS sector as the funds spell it; All is the whole index.';
comment on column published.valuation_gap.as_of_date is 'Calendar quarter-end: filings and prices known by then.';
comment on column published.valuation_gap.large_pe is 'price_to_earnings of SP500. NULL: under 60 % coverage, or a net loss.';
comment on column published.valuation_gap.small_pe is 'price_to_earnings of R2000. NULL: under 60 % coverage, or a net loss.';
comment on column published.valuation_gap.large_pe_ex_losers is 'The same of SP500 without loss makers. NULL: under 60 % coverage.';
comment on column published.valuation_gap.small_pe_ex_losers is 'The same of R2000 without loss makers. NULL: under 60 % coverage.';
comment on column published.valuation_gap.gap_ex_losers is 'large_pe_ex_losers - small_pe_ex_losers, in multiples. NULL: one is unknown.';
comment on column published.valuation_gap.gap_zscore is 'Standard deviations of gap_ex_losers from its mean of this quarter-end and all before. NULL: fewer than 12 are known.';
comment on column published.valuation_gap.quarters is 'Quarter-ends with a known gap by then.';
comment on column published.valuation_gap.earnings_coverage_pct is 'The lower of the two earnings_coverage_pct.';
comment on column published.valuation_gap.is_backcast is 'Whether the members of one index are the survivors of a later snapshot.';
