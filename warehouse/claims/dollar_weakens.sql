-- statement: The dollar is stable or weaker.
-- said: market commentary, early 2026
-- measure: change of the broad dollar index over 63 observations
-- unit: percent
-- supported if: the index rose by at most 1 %
-- contradicted if: it rose by more
with dollar as (
    select
        observation_date,
        100 * (value / lag(value, 63) over (order by observation_date) - 1) as change_pct
    from published.macro_latest
    where series_id = 'DTWEXBGS' and value is not null
)
select
    'DTWEXBGS' as witness, change_pct as measured, round(change_pct::numeric, 6) <= 1 as is_met,
    case
        when observation_date is null then 'DTWEXBGS has no observation.'
        when change_pct is null then 'DTWEXBGS has fewer than 64 observations.'
        else format(
            'DTWEXBGS moved %s %% in 63 observations to %s.', round(change_pct::numeric, 2),
            observation_date
        )
    end as reason,
    observation_date as as_of_date
from (values (1)) as one
left join dollar on true
order by observation_date desc nulls last
limit 1;
