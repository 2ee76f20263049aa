-- scenario: bear_policy_mistake
-- condition: CPI rises by 4 % or more over twelve months.
-- series: CPIAUCNS, by macro_regime
-- threshold: at least 4 %
-- unit: percent
select session_date as day, cpi_yoy_pct as value, cpi_yoy_pct >= 4 as is_met
from published.macro_regime
order by session_date;
