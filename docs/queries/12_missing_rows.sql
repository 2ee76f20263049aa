-- What is missing of the last month, and why?
-- Each expected row is stored, quarantined, or missing with a reason code.
select
    dataset, index_code, sum(expected) as expected, sum(loaded) as loaded,
    sum(quarantined) as quarantined, sum(missing) as missing,
    round(100 * sum(loaded) / nullif(sum(expected), 0), 2) as loaded_pct
from published.coverage
where session_date > (select max(session_date) - 30 from published.daily_price)
group by dataset, index_code
order by dataset, index_code;
