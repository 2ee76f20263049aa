create or replace view published.outperformance_run as
select distinct on (pair, first_session)
    pair, first_session, session_date as last_session, sessions,
    relative_return::double precision as relative_return, rank, as_long_before, longest_before,
    longest_before_ended, data_from,
    session_date = (
        select max(metrics.session_date) from derived.rotation_metrics as metrics
        where metrics.pair = record.pair
    ) as is_open
from derived.streak_record as record
order by pair, first_session, session_date desc;
comment on view published.outperformance_run is
'One row per run of at least five sessions in which SMALL was ahead of LARGE each session: the newest row of published.streak_record.';
comment on column published.outperformance_run.last_session is 'Last session of the run so far.';
comment on column published.outperformance_run.is_open is 'Whether the run reaches the pair''s newest session and may go on.';
