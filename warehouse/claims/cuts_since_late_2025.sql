-- statement: The Federal Reserve has cut its target rate since late 2025.
-- said: market commentary, early 2026
-- measure: change of the upper limit of the target range from 31 August 2025 to now
-- unit: basis points
-- supported if: the limit was lowered at least once since then and never raised
-- contradicted if: it was not lowered, or was raised
with step as (
    select
        observation_date, value,
        round((100 * (value - lag(value) over (order by observation_date)))::numeric) as change_bp
    from published.macro_latest
    where series_id = 'DFEDTARU' and value is not null
),
found as (
    select
        min(observation_date) as first_day, max(observation_date) as newest,
        coalesce(sum(change_bp) filter (where observation_date > '2025-08-31'), 0) as total_bp,
        count(*) filter (where change_bp < 0 and observation_date > '2025-08-31') as cuts,
        count(*) filter (where change_bp > 0 and observation_date > '2025-08-31') as hikes,
        min(observation_date) filter (where change_bp < 0 and observation_date > (
            select coalesce(max(observation_date), '-infinity') from step where change_bp > 0
        )) as first_cut
    from step
)
select
    'DFEDTARU' as witness,
    case when newest >= '2025-12-31' and first_day <= '2025-08-31' then total_bp end::double precision
        as measured,
    case when newest >= '2025-12-31' and first_day <= '2025-08-31' then cuts > 0 and hikes = 0 end
        as is_met,
    case
        when newest >= '2025-12-31' and first_day <= '2025-08-31' then format(
            '%s cuts and %s increases since 2025-08-31; first cut since the last increase: %s.',
            cuts, hikes, coalesce(first_cut::text, 'none')
        )
        when newest is null then 'DFEDTARU has no observation.'
        else format(
            'DFEDTARU is known from %s to %s only; needed: 2025-08-31 to 2025-12-31.', first_day, newest
        )
    end as reason,
    newest as as_of_date
from found;
