-- Days are counted to the next session: releases and filings also come on days without trading.
create or replace view derived.day_session as
select
    (session.session_date - back.days)::date as day, session.session_date,
    session.due_after_one_at, session.due_after_two_at
from (
    select
        session_date, coalesce(lag(session_date) over later, session_date - 1) as previous_date,
        -- the SLA of published.freshness_at: six hours after a close
        lead(closes_at, 1) over later + interval '6 hours' as due_after_one_at,
        lead(closes_at, 2) over later + interval '6 hours' as due_after_two_at
    from core.session
    window later as (order by session_date)
) as session
cross join lateral generate_series(0, session.session_date - session.previous_date - 1) as back (days);
comment on view derived.day_session is 'One row per day of the trading calendar: the first session on or after it, and when data due on the day are late.';
comment on column derived.day_session.day is 'The day, trading or not.';
comment on column derived.day_session.due_after_one_at is 'Six hours after the close of the next session but one: the SLA of daily and weekly series.';
comment on column derived.day_session.due_after_two_at is 'The same a session later: the SLA of monthly and quarterly series.';

create or replace view derived.expected_macro_observation as
with horizon as materialized (
    select greatest(max(fetched_at), (select now() from audit.origin where origin = 'live')) as until
    from audit.latest_fetch where dataset = 'macro_observation'
),
newest as materialized (
    select distinct on (series_id, observation_date)
        series_id, observation_date, value is not null as is_observed
    from core.macro_observation
    order by series_id, observation_date, vintage_date desc
),
stored_range as materialized (
    select series_id, min(observation_date) as first_day, max(observation_date) as last_day
    from newest group by series_id
),
followed as materialized (
    select
        series.series_id, series.frequency, series.publication_lag_days,
        stored_range.first_day, stored_range.last_day
    from core.macro_series as series
    left join stored_range using (series_id)
),
expected as (
    select followed.series_id, dated.observation_date::date as observation_date
    from followed
    cross join horizon
    cross join lateral generate_series(
        followed.first_day, horizon.until, case followed.frequency
            when 'Weekly' then interval '7 days'
            when 'Monthly' then interval '1 month'
            when 'Quarterly' then interval '3 months'
        end
    ) as dated (observation_date)
    where followed.frequency <> 'Daily'
    union
    -- the publisher's holidays decide which earlier days have a value
    select followed.series_id, session.session_date
    from followed
    cross join horizon
    join core.session as session
        on session.session_date > followed.last_day and session.session_date <= horizon.until
    where followed.frequency = 'Daily'
    union
    select series_id, observation_date from newest where is_observed
),
dated as (
    select
        expected.series_id, expected.observation_date, day_session.session_date,
        case when followed.frequency in ('Daily', 'Weekly')
            then day_session.due_after_one_at else day_session.due_after_two_at
        end as due_at
    from expected
    join followed using (series_id)
    join derived.day_session as day_session
        on day_session.day = expected.observation_date + followed.publication_lag_days
    union all
    -- of a series without any row, its start is unknown: one release is missing
    select followed.series_id, null, day_session.session_date, null
    from followed
    cross join horizon
    join derived.day_session as day_session
        on day_session.day = (horizon.until at time zone 'America/New_York')::date
    where followed.first_day is null
)
select
    dated.series_id, dated.observation_date, dated.session_date,
    case
        when newest.is_observed then 'loaded'
        when dated.due_at > horizon.until then 'not_due'
        when exists (
            select from audit.quarantine as quarantined_row
            where quarantined_row.table_name = 'macro_observation'
                and quarantined_row.key ->> 'series_id' = dated.series_id
                and quarantined_row.key ->> 'observation_date' = dated.observation_date::text
        ) then 'quarantined'
        when request.status = 'loaded' then 'no_row'
        else coalesce(request.status, 'not_asked')
    end as status
from dated
cross join horizon
left join newest using (series_id, observation_date)
left join audit.latest_fetch as request
    on request.dataset = 'macro_observation' and request.item = dated.series_id
-- a release still to come is not expected, unless it is there already
where (dated.session_date <= (horizon.until at time zone 'America/New_York')::date or newest.is_observed)
    -- FRED says that there is no value, and missing_reason why: never published, or a holiday
    and newest.is_observed is not false;
comment on view derived.expected_macro_observation is 'One row per followed macro series and observation whose release is due or stored: its status.';
comment on column derived.expected_macro_observation.observation_date is 'NULL: no observation of the series is stored.';
comment on column derived.expected_macro_observation.session_date is 'First session on or after the observation''s date plus the publication lag.';
comment on column derived.expected_macro_observation.status is 'loaded, quarantined, or why the observation is not there';

create or replace view derived.expected_filing_index as
select
    session.session_date,
    case
        when index_day.is_read then 'loaded'
        when session.session_date >= horizon.today then 'not_due'
        else coalesce(index_day.status, 'not_asked')
    end as status
from (select min(day) as first_day, max(day) as last_day from audit.filing_index_day) as read
cross join lateral (
    select
        greatest(
            (max(fetched_at) at time zone 'America/New_York')::date,
            (select (now() at time zone 'America/New_York')::date from audit.origin where origin = 'live')
        ) as today
    from audit.latest_fetch where dataset = 'filing_index'
) as horizon
join core.session as session
    on session.session_date >= read.first_day
    and session.session_date <= greatest(read.last_day, horizon.today - 1)
left join audit.filing_index_day as index_day on index_day.day = session.session_date;
comment on view derived.expected_filing_index is 'One row per XNYS session since the first day requested of the SEC''s filing index: the status of that day''s index.';
comment on column derived.expected_filing_index.status is 'loaded (read, or EDGAR was closed), or why the index is not there';

create or replace view derived.expected_filing as
with first_index as materialized (
    select min(day) as day from audit.filing_index_day
),
loaded as materialized (
    select distinct fact.cik, fact.accession_number, fact.filed_date
    from core.company_fact as fact
    where fact.filed_date >= (select day from first_index)
),
waiting as (
    select cik, accession_number, filed_date, discovered_at, last_requested_on, false as is_given_up
    from audit.pending_filing
    union all
    select cik, accession_number, filed_date, given_up_at, null, true
    from audit.filing_without_facts
),
filing as (
    select cik, accession_number, filed_date, 'loaded' as status from loaded
    union all
    select
        waiting.cik, waiting.accession_number, waiting.filed_date,
        case
            when request.status = 'unreadable' then 'unreadable'
            when waiting.is_given_up then 'no_row'
            when request.finished_at >= waiting.discovered_at and not request.has_succeeded
                then request.status
            when waiting.last_requested_on is null then 'not_asked'
            else 'pending'
        end
    from waiting
    left join (
        select latest.item, latest.status, latest.finished_at,
            latest.status not in ('throttled', 'outage', 'refused') as has_succeeded
        from audit.latest_fetch as latest where latest.dataset = 'company_fact'
    ) as request on request.item = waiting.cik::text
    where not exists (
        select from loaded
        where loaded.cik = waiting.cik and loaded.accession_number = waiting.accession_number
    )
)
select filing.cik, filing.accession_number, filing.filed_date, day_session.session_date, filing.status
from filing
join derived.day_session as day_session on day_session.day = filing.filed_date;
comment on view derived.expected_filing is 'One row per report of a followed company since the first day requested of the SEC''s filing index: the status of its facts.';
comment on column derived.expected_filing.session_date is 'First session on or after the day of filing.';
comment on column derived.expected_filing.status is 'loaded, pending (requested; the SEC serves no facts of it yet), or why its facts are not there';
