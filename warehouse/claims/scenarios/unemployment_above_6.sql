-- scenario: bear_hard_landing
-- condition: Unemployment is above 6 %.
-- series: UNRATE, by macro_regime
-- threshold: above 6 %
-- unit: percent
select session_date as day, unemployment_pct as value, unemployment_pct > 6 as is_met
from published.macro_regime
order by session_date;
