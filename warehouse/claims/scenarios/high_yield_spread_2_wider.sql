-- scenario: bear_hard_landing
-- condition: The high-yield spread is 2 percentage points wider than its low of 252 sessions.
-- series: BAMLH0A0HYM2, by macro_regime
-- threshold: at least 2 points above the low
-- unit: percentage points above the low
with session as (
    select
        session_date, hy_oas_pct, (row_number() over (order by session_date) - 1) / 252 as block,
        count(hy_oas_pct) over (order by session_date rows between 251 preceding and current row)
            as known
    from published.macro_regime
),
-- The low of a window is the lower of two: to the end of the block in which it begins, and from the
-- beginning of the block in which it ends. One minimum per window takes 252 times as long.
low as (
    select
        *, min(hy_oas_pct) over (partition by block order by session_date) as low_since_block,
        min(hy_oas_pct) over (partition by block order by session_date desc) as low_until_block
    from session
),
compared as (
    select
        *, hy_oas_pct - least(
            low_since_block, lag(low_until_block, 251) over (order by session_date)
        ) as above_low_pct
    from low
)
select
    session_date as day, above_low_pct as value,
    case when known >= 240 then round(above_low_pct::numeric, 6) >= 2 end as is_met
from compared
order by session_date;
