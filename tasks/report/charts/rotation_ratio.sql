-- title: Small against large
-- question: Which side leads, and since when? Shaded by regime; ticks mark changes of the policy rate.
-- source: Yahoo prices and FRED, by published.rotation_metrics and published.macro_regime
-- order: 10
with last_session as (
    select distinct on (pair, week)
        pair, date_trunc('week', session_date)::date as week, session_date, ratio, ratio_sma_200,
        regime
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
    last_session.regime, policy.change_bp as policy_change_bp
from calendar
left join last_session on last_session.pair = calendar.pair and last_session.week = calendar.week
left join policy on policy.week = calendar.week
order by calendar.pair, calendar.week;
