-- title: Momentum of breadth
-- question: Do advancers gain on decliners, and do new highs outnumber new lows?
-- source: Yahoo prices and iShares holdings, by published.sector_breadth, all sectors
-- empty: No breadth is known: it needs holdings files and prices of their members.
-- order: 40
select distinct on (index_code, week)
    index_code, week, session_date,
    round(mcclellan_oscillator::numeric, 2)::double precision as mcclellan_oscillator,
    case when eligible_252 > 0 then new_highs_252 end as new_highs_252,
    case when eligible_252 > 0 then -new_lows_252 end as new_lows_252,
    round(pct_above_200::numeric, 1)::double precision as pct_above_200, is_backcast
from (
    select *, date_trunc('week', session_date)::date as week
    from published.sector_breadth
    where sector = 'All'
) as breadth
order by index_code, week, session_date desc;
