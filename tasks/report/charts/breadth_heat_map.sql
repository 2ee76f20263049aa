-- title: Breadth by sector
-- question: In which sectors do most members trade above their mean of 50 sessions?
-- source: Yahoo prices and iShares holdings, by published.sector_breadth
-- empty: No breadth is known: it needs holdings files and prices of their members.
-- order: 30
select distinct on (index_code, sector, week)
    index_code, sector, week, session_date,
    round(pct_above_50::numeric, 1)::double precision as pct_above_50, eligible_50, members,
    is_backcast
from (
    select *, date_trunc('week', session_date)::date as week
    from published.sector_breadth
    where session_date > (select max(session_date) - 730 from published.sector_breadth)
) as breadth
order by index_code, sector, week, session_date desc;
