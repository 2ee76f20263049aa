-- Which sectors of the Russell 2000 take part in the move today?
-- eligible_50 is the denominator of pct_above_50. is_backcast marks sessions before the first
-- holdings file: their members are the survivors of that file.
select
    sector, members, advancers, decliners, round(pct_above_50::numeric, 1) as pct_above_50,
    eligible_50, new_highs_252, new_lows_252, is_backcast
from published.sector_breadth
where index_code = 'R2000'
    and session_date = (
        select max(session_date) from published.sector_breadth where index_code = 'R2000'
    )
order by pct_above_50 desc nulls last;
