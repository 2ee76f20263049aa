-- title: Coverage of prices
-- question: Which part of the expected closes of index members and watched tickers is missing or
--   quarantined, by month?
-- source: published.coverage
-- empty: No closes were expected: there are no index members and no watched tickers.
-- order: 115
select
    index_code, date_trunc('month', session_date)::date as month, max(session_date) as session_date,
    sum(expected)::bigint as expected, sum(loaded)::bigint as loaded,
    sum(quarantined)::bigint as quarantined, sum(expected - loaded - quarantined)::bigint as missing,
    round(100.0 * sum(expected - loaded) / nullif(sum(expected), 0), 3)::double precision
        as not_loaded_pct, bool_or(is_backcast) as is_backcast
from published.coverage
where dataset = 'daily_price' and session_date > (
    select max(session_date) - 3652 from published.coverage where dataset = 'daily_price'
)
group by index_code, date_trunc('month', session_date)
order by index_code, month;
