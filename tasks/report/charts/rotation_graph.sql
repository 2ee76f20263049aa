-- title: Relative rotation
-- question: Who leads, weakens, lags or improves? Each tail is five weeks; its large mark is the newest.
-- source: Yahoo prices, by published.rotation_metrics; sector funds against SPY by the same formula
-- empty: No relative strength is known: it needs 28 sessions of both funds of a pair.
-- order: 20
with price as (
    select ticker, session_date, close_split_adjusted as close
    from published.daily_price
    where ticker in (
        'SPY', 'XLB', 'XLC', 'XLE', 'XLF', 'XLI', 'XLK', 'XLP', 'XLRE', 'XLU', 'XLV', 'XLY'
    ) and session_date > (
        select max(session_date) - 200 from published.daily_price where ticker = 'SPY'
    )
),
strength as (
    select sector.ticker, session_date, 100 * sector.close / spy.close as rs
    from price as sector
    join price as spy using (session_date)
    where spy.ticker = 'SPY' and sector.ticker <> 'SPY'
),
ratio as (
    select
        ticker, session_date,
        case when count(rs) over recent = 14 then
            100 + (rs - avg(rs) over recent) / nullif(stddev_samp(rs) over recent, 0)
        end as rs_ratio
    from strength
    window recent as (partition by ticker order by session_date rows 13 preceding)
),
change as (
    select
        *, 100 * (rs_ratio / lag(rs_ratio) over (partition by ticker order by session_date) - 1) as roc
    from ratio
),
momentum as (
    select
        ticker, session_date, rs_ratio,
        case when count(roc) over recent = 14 then
            100 + (roc - avg(roc) over recent) / nullif(stddev_samp(roc) over recent, 0)
        end as rs_momentum
    from change
    window recent as (partition by ticker order by session_date rows 13 preceding)
),
line as (
    select 'pairs' as kind, pair as name, session_date, rs_ratio, rs_momentum
    from published.rotation_metrics
    union all
    select 'sector funds against SPY', ticker, session_date, rs_ratio, rs_momentum from momentum
),
weekly as (
    select distinct on (kind, name, date_trunc('week', session_date))
        kind, name, session_date, rs_ratio, rs_momentum
    from line
    where rs_ratio is not null and rs_momentum is not null
    order by kind, name, date_trunc('week', session_date), session_date desc
),
ranked as (
    select
        *, row_number() over (partition by kind, name order by session_date desc) as weeks_ago,
        max(session_date) over (partition by kind) as newest
    from weekly
)
select
    kind, name, session_date, round(rs_ratio::numeric, 3)::double precision as rs_ratio,
    round(rs_momentum::numeric, 3)::double precision as rs_momentum,
    case
        when rs_ratio >= 100 and rs_momentum >= 100 then 'leading'
        when rs_ratio >= 100 then 'weakening'
        when rs_momentum < 100 then 'lagging'
        else 'improving'
    end as quadrant, weeks_ago::integer as weeks_ago
from ranked
where weeks_ago <= 5 and session_date > newest - 50
order by kind, name, session_date;
