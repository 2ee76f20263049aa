-- scenario: bear_policy_mistake
-- condition: CPI rises by 4 % or more while the target range is raised.
-- series: CPIAUCNS and DFEDTARU, by macro_regime
-- threshold: at least 4 % and policy_phase hiking
-- unit: percent
select
    session_date as day, cpi_yoy_pct as value, cpi_yoy_pct >= 4 and policy_phase = 'hiking' as is_met
from published.macro_regime
order by session_date;
