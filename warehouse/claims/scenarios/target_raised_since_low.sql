-- scenario: bear_policy_mistake
-- condition: The upper limit of the target range was raised since its low of five years.
-- series: DFEDTARU, by macro_regime
-- threshold: the last change of 1,260 sessions was an increase
-- unit: percent
with step as (
    select
        session_date, target_upper_pct,
        target_upper_pct - lag(target_upper_pct) over (order by session_date) as change_pct,
        row_number() over (order by session_date) as place
    from published.macro_regime
    where target_upper_pct is not null
),
marked as (
    select *, max(place) filter (where change_pct <> 0) over (order by place) as changed_at from step
)
select
    marked.session_date as day, marked.target_upper_pct as value,
    last.change_pct > 0 and marked.place - last.place < 1260 as is_met
from marked
join step as last on last.place = marked.changed_at
order by marked.session_date;
