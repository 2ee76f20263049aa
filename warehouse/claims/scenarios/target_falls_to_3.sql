-- scenario: bull
-- condition: The upper limit of the target range falls towards 3 %.
-- series: DFEDTARU, by macro_regime
-- threshold: last change a cut, limit above 3 %
-- unit: percent
select
    session_date as day, target_upper_pct as value,
    policy_phase = 'easing' and target_upper_pct >= 3 as is_met
from published.macro_regime
order by session_date;
