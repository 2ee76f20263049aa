-- statement: The valuation gap between large and small caps is two standard deviations wide.
-- said: market commentary, early 2026
-- measure: z-score of the gap of trailing P/E without loss makers, over all quarter-ends until then
-- unit: standard deviations
-- supported if: the z-score is 2 or more
-- contradicted if: it is less
with newest as (
    select * from published.valuation_gap where sector = 'All' order by as_of_date desc limit 1
)
select
    'S&P 500 less Russell 2000' as witness, newest.gap_zscore as measured,
    newest.gap_zscore >= 2 as is_met,
    case
        when newest.as_of_date is null then 'No quarter-end has both valuations.'
        when newest.gap_zscore is null then format(
            'On %s the gap was %s multiples; %s quarter-ends have one, 12 are needed.',
            newest.as_of_date, coalesce(round(newest.gap_ex_losers::numeric, 1)::text, 'unknown'),
            newest.quarters
        )
        else format(
            'On %s the gap was %s multiples, %s standard deviations from the mean of %s quarter-ends.',
            newest.as_of_date, round(newest.gap_ex_losers::numeric, 1),
            round(newest.gap_zscore::numeric, 1),
            newest.quarters
        )
    end as reason,
    newest.as_of_date
from (values (1)) as one
left join newest on true;
