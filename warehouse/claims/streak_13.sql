-- statement: In January 2026 small caps beat large caps 13 sessions in a row, equal to the record of 2008.
-- said: market commentary, January 2026
-- measure: longest run of sessions with IWM ahead of SPY up to a session of January 2026, and the longest
--   run before 2026; second witness: ^RUT/^GSPC
-- unit: sessions
-- supported if: the longest run of January 2026 is 13 sessions or more, and no earlier one is longer
-- contradicted if: it is shorter, or an earlier run is longer
with longest as (
    select
        pair, max(session_date) as newest,
        max(outperformance_streak) filter (
            where session_date between '2026-01-01' and '2026-01-31'
        ) as within,
        max(outperformance_streak) filter (where session_date < '2026-01-01') as before,
        bool_or(session_date >= '2026-01-30') as is_whole
    from published.rotation_metrics
    where pair in ('IWM/SPY', '^RUT/^GSPC')
    group by pair
),
record as (
    select longest.*, min(metrics.session_date) as record_session
    from longest
    left join published.rotation_metrics as metrics
        on metrics.pair = longest.pair and metrics.outperformance_streak = longest.before
        and metrics.session_date < '2026-01-01'
    group by longest.pair, longest.newest, longest.within, longest.before, longest.is_whole
)
select
    witness.pair as witness, case when is_whole then within end as measured,
    case when is_whole then within >= 13 and within >= before end as is_met,
    case
        when is_whole then format(
            '%s: longest run of January 2026 %s sessions; longest before %s, ended %s.',
            witness.pair, within, before, record_session
        )
        when newest is null then format('%s has no session in rotation_metrics.', witness.pair)
        else format(
            '%s: January 2026 is not complete, the newest session is %s; the longest run before 2026 is'
            ' %s sessions, ended %s.', witness.pair, newest, coalesce(before::text, 'unknown'),
            coalesce(record_session::text, 'unknown')
        )
    end as reason,
    case when is_whole then date '2026-01-30' end as as_of_date
from (values ('IWM/SPY'), ('^RUT/^GSPC')) as witness (pair)
left join record on record.pair = witness.pair
order by witness.pair;
