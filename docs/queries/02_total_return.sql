-- What did the small-cap and the large-cap fund return over the last 63 sessions, with dividends?
-- Returns come from close_total_return. Its level moves with every new dividend, so it is no price.
with session as (
    select session_date, row_number() over (order by session_date desc) - 1 as sessions_ago
    from published.daily_price
    where ticker = 'SPY'
)
select
    ticker, min(session_date) as from_close_of, max(session_date) as to_close_of,
    round((100 * (
        max(close_total_return) filter (where sessions_ago = 0)
        / max(close_total_return) filter (where sessions_ago = 63) - 1
    ))::numeric, 2) as total_return_pct
from published.daily_price
join session using (session_date)
where ticker in ('IWM', 'SPY', 'QQQ') and sessions_ago in (0, 63)
group by ticker
order by total_return_pct desc;
