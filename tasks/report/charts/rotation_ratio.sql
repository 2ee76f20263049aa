-- title: Small against large
-- question: Which side leads, and since when? Shaded by regime. Arrows: the policy rate was raised (▲)
--   or cut (▼). Ticks at the foot: CPI releases. Drag over the lower strip to zoom in.
-- source: Yahoo prices and FRED, by published.rotation_metrics, macro_regime and release_reaction
-- empty: No ratio is known: it needs prices of both funds of a pair.
-- order: 10
with last_session as (
    select distinct on (pair, week)
        pair, week, session_date, ratio, ratio_sma_200, regime
    from (
        select *, date_trunc('week', session_date)::date as week from published.rotation_metrics
    ) as metrics
    order by pair, week, session_date desc
),
policy as (
    select
        date_trunc('week', session_date)::date as week,
        sum(change_bp)::integer as change_bp
    from (
        select
            session_date,
            100 * (target_upper_pct - lag(target_upper_pct) over (order by session_date)) as change_bp
        from published.macro_regime
    ) as step
    where change_bp <> 0
    group by date_trunc('week', session_date)
),
cpi as (
    select distinct on (week)
        date_trunc('week', release_date)::date as week, release_date, value_pct, previous_pct
    from published.release_reaction
    where release = 'cpi'
    order by week, release_date desc
),
-- weeks without a session of the pair stay empty: a gap is drawn as a gap
calendar as (
    select pair, generate_series(min(week), max(week), interval '1 week')::date as week
    from last_session
    group by pair
)
select
    calendar.pair, calendar.week, last_session.session_date,
    round(last_session.ratio::numeric, 5)::double precision as ratio,
    round(last_session.ratio_sma_200::numeric, 5)::double precision as ratio_sma_200,
    last_session.regime, policy.change_bp as policy_change_bp,
    cpi.release_date as cpi_release_date,
    round(cpi.value_pct::numeric, 2)::double precision as cpi_yoy_pct,
    round(cpi.previous_pct::numeric, 2)::double precision as previous_cpi_yoy_pct
from calendar
left join last_session on last_session.pair = calendar.pair and last_session.week = calendar.week
left join policy on policy.week = calendar.week
left join cpi on cpi.week = calendar.week
order by calendar.pair, calendar.week;
