-- title: Coverage of prices
-- question: Which part of the expected closes of index members and watched tickers is missing or
--   quarantined, by month of the last two years?
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
    -- the day of the newest run: to ask the view for its newest session would take all of it
    select max(clock_at)::date - 730 from audit.run
)
group by index_code, date_trunc('month', session_date)
order by index_code, month;
