-- scenario: bear_hard_landing
-- condition: The high-yield spread is 5 percentage points or more.
-- series: BAMLH0A0HYM2, by macro_regime
-- threshold: at least 5 points
-- unit: percentage points
select session_date as day, hy_oas_pct as value, hy_oas_pct >= 5 as is_met
from published.macro_regime
order by session_date;
