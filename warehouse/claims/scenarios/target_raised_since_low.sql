-- scenario: bear_policy_mistake
-- condition: The upper limit of the target range was raised since its low of five years.
-- series: DFEDTARU, by macro_regime
-- threshold: above the lowest of 1,260 sessions, and the last change an increase
-- unit: percent
with step as (
    select
        session_date, target_upper_pct,
        min(target_upper_pct) over (
            order by session_date rows between 1260 preceding and current row
        ) as lowest_pct,
        sign(target_upper_pct - lag(target_upper_pct) over (order by session_date)) as direction
    from published.macro_regime
    where target_upper_pct is not null
),
marked as (
    select
        *, count(*) filter (where direction <> 0) over (order by session_date) as change_number
    from step
)
select
    session_date as day, target_upper_pct as value,
    target_upper_pct > lowest_pct
        and first_value(direction) over (partition by change_number order by session_date) > 0
        as is_met
from marked
where change_number > 0
order by session_date;
