-- title: Inflation as first released and as revised
-- question: How much have later vintages changed the monthly figures? ✕: no change over a month is known.
-- source: FRED with vintages, by published.macro_first_release and published.macro_latest: CPIAUCSL
-- empty: No CPI is loaded.
-- order: 80
with first_release as (
    select observation_date, vintage_date, value
    from published.macro_first_release
    where series_id = 'CPIAUCSL' and value is not null
),
latest as (
    select observation_date, vintage_date, value
    from published.macro_latest
    where series_id = 'CPIAUCSL' and value is not null
),
month as (
    select generate_series(
        max(observation_date) - interval '5 years', max(observation_date), interval '1 month'
    )::date as observation_date
    from latest
)
select
    month.observation_date, latest.vintage_date,
    round((100 * (first_vintage.value / known_before.value - 1))::numeric, 3)::double precision
        as first_mom_pct,
    round((
        100 * (latest.value / previous.value - 1)
    )::numeric, 3)::double precision as latest_mom_pct
from month
left join first_release as first_vintage using (observation_date)
left join lateral (
    select value from published.macro_observation
    where series_id = 'CPIAUCSL'
        and observation_date = (month.observation_date - interval '1 month')::date
        and vintage_date <= first_vintage.vintage_date and value is not null
    order by vintage_date desc limit 1
) as known_before on true
left join latest using (observation_date)
left join latest as previous
    on previous.observation_date = (month.observation_date - interval '1 month')::date
order by month.observation_date;
