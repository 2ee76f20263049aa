-- statement: Loss makers rally first, and quality later.
-- said: market commentary, early 2026
-- measure: mean price return of the loss makers of the Russell 2000 since the regime of IWM/SPY last
--   turned to rotation, less that of its profitable members
-- unit: percentage points
-- supported if: the loss makers did better
-- contradicted if: they did not
with turn as (
    select max(session_date) as session_date
    from (
        select session_date, regime, lag(regime) over (order by session_date) as before
        from published.rotation_metrics where pair = 'IWM/SPY'
    ) as day
    where regime = 'rotation' and before is distinct from 'rotation'
),
newest as (
    select max(session_date) as session_date from published.rotation_metrics where pair = 'IWM/SPY'
),
company as (
    select distinct on (cik) ticker, is_unprofitable
    from published.company_refinancing
    cross join turn
    where index_code = 'R2000' and as_of_date <= turn.session_date
        and as_of_date > turn.session_date - 100
    order by cik, as_of_date desc
),
price as (
    select
        ticker,
        max(close_split_adjusted) filter (
            where session_date = (select session_date from turn)
        ) as first_close,
        max(close_split_adjusted) filter (
            where session_date = (select session_date from newest)
        ) as last_close
    from published.daily_price
    where session_date in ((select session_date from turn), (select session_date from newest))
    group by ticker
),
change as (
    select company.is_unprofitable, 100 * (price.last_close / price.first_close - 1) as return_pct
    from company
    join price using (ticker)
    where company.is_unprofitable is not null and price.last_close / price.first_close is not null
),
mean as (
    select
        avg(return_pct) filter (where is_unprofitable) as loss_pct,
        avg(return_pct) filter (where not is_unprofitable) as profit_pct,
        count(*) filter (where is_unprofitable) as loss_makers,
        count(*) filter (where not is_unprofitable) as profitable
    from change
)
select
    'R2000' as witness,
    case when least(loss_makers, profitable) >= 10 then loss_pct - profit_pct end as measured,
    case when least(loss_makers, profitable) >= 10 then loss_pct > profit_pct end as is_met,
    case
        when turn.session_date is null then 'IWM/SPY never turned to rotation.'
        else format(
            'Since %s: %s loss makers %s %%, %s profitable members %s %%.', turn.session_date,
            loss_makers, coalesce(round(loss_pct::numeric, 1)::text, 'unknown'), profitable,
            coalesce(round(profit_pct::numeric, 1)::text, 'unknown')
        )
    end as reason,
    newest.session_date as as_of_date
from mean
cross join turn
cross join newest;
