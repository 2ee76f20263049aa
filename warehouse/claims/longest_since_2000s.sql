-- statement: The last time small caps led over five years was after the dot-com bubble.
-- said: market commentary, early 2026
-- measure: last session before 2026 on which small caps were ahead over the 1,260 sessions before, as
--   years before 2026; ratio of the closes of IWM and SPY; second witness: ^RUT/^GSPC
-- unit: years
-- supported if: that session is before 2011, and the series begins by the end of 2001
-- contradicted if: it is later
with five_years as (
    select
        pair, session_date, ratio / lag(ratio, 1260) over sessions - 1 as change,
        min(session_date) over (partition by pair) as first_session,
        max(session_date) over (partition by pair) as newest
    from published.rotation_metrics
    where pair in ('IWM/SPY', '^RUT/^GSPC')
    window sessions as (partition by pair order by session_date)
),
last_lead as (
    select
        pair, first_session, newest,
        max(session_date) filter (where change > 0 and session_date < '2026-01-01') as last_session
    from five_years
    group by pair, first_session, newest
)
select
    witness.pair as witness,
    case when first_session < '2002-01-01' and newest >= '2025-12-31'
        then (date '2026-01-01' - last_session) / 365.25 end::double precision as measured,
    case when first_session < '2002-01-01' and newest >= '2025-12-31'
        then last_session < '2011-01-01' end as is_met,
    case
        when newest is null then format('%s has no session in rotation_metrics.', witness.pair)
        else format(
            '%s: ahead over 1,260 sessions for the last time before 2026 on %s; the series runs from %s'
            ' to %s, and is needed from 2001 to the end of 2025.',
            witness.pair, coalesce(last_session::text, 'no session'), first_session, newest
        )
    end as reason,
    newest as as_of_date
from (values ('IWM/SPY'), ('^RUT/^GSPC')) as witness (pair)
left join last_lead on last_lead.pair = witness.pair
order by witness.pair;
