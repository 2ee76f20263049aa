-- scenario: bear_hard_landing
-- condition: The high-yield spread is 2 percentage points wider than its low of 252 sessions.
-- series: BAMLH0A0HYM2, by macro_regime
-- threshold: at least 2 points above the low
-- unit: percentage points above the low
with spread as (
    select
        session_date,
        hy_oas_pct - min(hy_oas_pct) over sessions as above_low_pct,
        count(hy_oas_pct) over sessions as sessions
    from published.macro_regime
    window sessions as (order by session_date rows between 251 preceding and current row)
)
select
    session_date as day, above_low_pct as value,
    case when sessions >= 240 then above_low_pct >= 2 end as is_met
from spread
order by session_date;
