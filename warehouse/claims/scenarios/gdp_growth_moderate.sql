-- scenario: bull
-- condition: Real GDP is 2 to 2.5 % above that of a year before.
-- series: GDPC1, by macro_regime
-- threshold: 2 to 2.5 %
-- unit: percent
select
    session_date as day, gdp_yoy_pct as value,
    -- as rounded by the release
    round(gdp_yoy_pct::numeric, 1) between 2 and 2.5 as is_met
from published.macro_regime
order by session_date;
