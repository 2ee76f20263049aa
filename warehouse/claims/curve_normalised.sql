-- statement: The yield curve is no longer inverted, and has become steeper.
-- said: market commentary, early 2026
-- measure: newest spread of 10-year and 2-year yields, the day on which it was last below zero, and its
--   change over 63 observations; second witness: 10-year and 3-month yields
-- unit: percentage points
-- supported if: the spread is above zero and wider than 63 observations before
-- contradicted if: it is not
with spread as (
    select
        series_id, observation_date, value,
        value - lag(value, 63) over (partition by series_id order by observation_date) as change,
        max(observation_date) filter (where value < 0) over (partition by series_id) as inverted_on,
        row_number() over (partition by series_id order by observation_date desc) as age
    from published.macro_latest
    where series_id in ('T10Y2Y', 'T10Y3M') and value is not null
)
select
    witness.series_id as witness, spread.value as measured,
    spread.value > 0 and spread.change > 0 as is_met,
    case
        when spread.series_id is null then format('%s has no observation.', witness.series_id)
        else format(
            '%s was %s on %s, change over 63 observations %s; last below zero on %s.',
            witness.series_id, spread.value, spread.observation_date,
            coalesce(to_char(spread.change, 'FMS990.00'), 'unknown (fewer are stored)'),
            coalesce(spread.inverted_on::text, 'no day')
        )
    end as reason,
    spread.observation_date as as_of_date
from (values ('T10Y2Y'), ('T10Y3M')) as witness (series_id)
left join spread on spread.series_id = witness.series_id and spread.age = 1
order by witness.series_id;
