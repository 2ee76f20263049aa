-- scenario: bear_hard_landing
-- condition: Unemployment is 5 % or more.
-- series: UNRATE, by macro_regime
-- threshold: at least 5 %
-- unit: percent
select session_date as day, unemployment_pct as value, unemployment_pct >= 5 as is_met
from published.macro_regime
order by session_date;
