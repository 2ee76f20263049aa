-- When was small ahead of large for the most sessions in a row?
-- Ranks count the sessions since data_from only: an older run may have been longer.
select
    pair, first_session, last_session, sessions,
    round((100 * relative_return)::numeric, 2) as relative_return_pct, rank, is_open, data_from
from published.outperformance_run
order by sessions desc, pair, first_session desc
limit 15;
