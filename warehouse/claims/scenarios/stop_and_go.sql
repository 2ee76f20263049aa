-- scenario: bear_policy_mistake
-- condition: CPI rises by 4 % or more, and the target range was raised since its low of five years.
-- series: CPIAUCNS and DFEDTARU, by macro_regime
-- threshold: at least 4 %, and the last change of 1,260 sessions was an increase
-- unit: percent
with step as (
    select
        session_date, cpi_yoy_pct,
        target_upper_pct - lag(target_upper_pct) over (order by session_date) as change_pct,
        row_number() over (order by session_date) as place
    from published.macro_regime
    where target_upper_pct is not null
),
marked as (
    select *, max(place) filter (where change_pct <> 0) over (order by place) as changed_at from step
)
select
    marked.session_date as day, marked.cpi_yoy_pct as value,
    marked.cpi_yoy_pct >= 4 and last.change_pct > 0 and marked.place - last.place < 1260 as is_met
from marked
join step as last on last.place = marked.changed_at
order by marked.session_date;
