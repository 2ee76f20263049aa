-- statement: The federal funds rate fell to 3.5 % and below.
-- said: market commentary, early 2026
-- measure: newest upper limit of the target range; second witness: the effective rate
-- unit: percent
-- supported if: the limit, as of 2026 or later, is at most 3.5 %
-- contradicted if: it is above
select
    series.series_id as witness,
    case when newest.observation_date >= '2026-01-01' then newest.value end as measured,
    case when newest.observation_date >= '2026-01-01' then newest.value <= 3.5 end as is_met,
    case
        when newest.observation_date >= '2026-01-01' then format(
            '%s was %s %% on %s.', series.series_id, newest.value, newest.observation_date
        )
        else format(
            '%s has no value of 2026; the newest is of %s.', series.series_id,
            coalesce(newest.observation_date::text, 'no day')
        )
    end as reason,
    newest.observation_date as as_of_date
from (values (1, 'DFEDTARU'), (2, 'DFF')) as series (priority, series_id)
left join lateral (
    select observation_date, value
    from published.macro_latest
    where series_id = series.series_id and value is not null
    order by observation_date desc
    limit 1
) as newest on true
order by series.priority;
