-- statement: The yield curve is no longer inverted, and has become steeper.
-- said: market commentary, early 2026
-- measure: newest spread, days since it was last below zero, and its change over 63 observations
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
    series_id as witness, value as measured, value > 0 and change > 0 as is_met,
    format(
        '%s was %s on %s, %s over 63 observations; last below zero on %s.', series_id, value,
        observation_date, coalesce(to_char(change, 'FMS990.00'), 'unknown'),
        coalesce(inverted_on::text, 'no day')
    ) as reason,
    observation_date as as_of_date
from spread
where age = 1
order by series_id;
