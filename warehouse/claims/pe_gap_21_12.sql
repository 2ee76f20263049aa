-- statement: Large caps trade at 21 times forward earnings and small caps at 12, loss makers left out.
-- said: market commentary, early 2026
-- measure: not the forward ratio but the trailing one, aggregate: S&P 500 less Russell 2000 without loss makers; second
--   witness: with loss makers
-- unit: multiples
-- supported if: never, it cannot be measured
-- contradicted if: never, it cannot be measured
-- not measurable: Forward estimates are not available free of charge; trailing ratios are beside it.
with newest as (
    select * from published.valuation_gap where sector = 'All' order by as_of_date desc limit 1
)
select
    witness.name as witness, witness.large - witness.small as measured, null::boolean as is_met,
    format(
        '%s on %s: S&P 500 %s, Russell 2000 %s, known for at least %s %% of the weight.',
        witness.name, as_of_date, coalesce(round(witness.large::numeric, 1)::text, 'unknown'),
        coalesce(round(witness.small::numeric, 1)::text, 'unknown'),
        round(earnings_coverage_pct::numeric, 1)
    ) as reason,
    as_of_date
from newest
cross join lateral (
    values
        (1, 'trailing P/E without loss makers', large_pe_ex_losers, small_pe_ex_losers),
        (2, 'trailing P/E', large_pe, small_pe)
) as witness (priority, name, large, small)
order by witness.priority;
