-- Which inflation did a reader know on each month's last session, and what do we know of it today?
-- as_known uses the vintages published by that session; as_revised the newest ones.
with month_end as (
    select distinct on (date_trunc('month', session_date))
        session_date, cpi_reference_month, cpi_yoy_pct as as_known_pct
    from published.macro_regime
    order by date_trunc('month', session_date), session_date desc
),

newest as (
    select observation_date, value
    from published.macro_latest
    where series_id = 'CPIAUCNS'
)
select
    session_date, cpi_reference_month, round(as_known_pct::numeric, 2) as as_known_pct,
    round((100 * (now.value / before.value - 1))::numeric, 2) as as_revised_pct
from month_end
left join newest as now on now.observation_date = cpi_reference_month
left join newest as before on before.observation_date = cpi_reference_month - interval '1 year'
order by session_date desc
limit 24;
