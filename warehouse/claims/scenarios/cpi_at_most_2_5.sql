-- scenario: bull
-- condition: CPI rises by 2.5 % or less over twelve months.
-- series: CPIAUCNS, by macro_regime
-- threshold: at most 2.5 %
-- unit: percent
select session_date as day, cpi_yoy_pct as value, cpi_yoy_pct <= 2.5 as is_met
from published.macro_regime
order by session_date;
