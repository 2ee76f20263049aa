-- title: Policy rate and inflation
-- question: Where are the funds rate and inflation, as they were known at the time?
-- source: FRED with vintages, by published.macro_regime
-- empty: No macro series are known for any session.
-- order: 70
select distinct on (week)
    week, session_date, target_upper_pct, fed_funds_pct,
    round(cpi_yoy_pct::numeric, 2)::double precision as cpi_yoy_pct,
    round(core_cpi_yoy_pct::numeric, 2)::double precision as core_cpi_yoy_pct,
    round(hy_oas_pct::numeric, 2)::double precision as hy_oas_pct,
    round(t10y2y_pct::numeric, 2)::double precision as t10y2y_pct, policy_phase
from (
    select *, date_trunc('week', session_date)::date as week
    from published.macro_regime
    where session_date > (select max(session_date) - 3652 from published.macro_regime)
) as regime
order by week, session_date desc;
