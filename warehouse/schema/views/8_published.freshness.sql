-- How fresh each dataset is, by its own source's clock. A new dataset is one more line in `source`
-- (derived tables: none), and its clock one of those that published.freshness_at knows.
create or replace view published.session as
select session_date, closes_at from core.session;
comment on view published.session is 'One row per session of the New York Stock Exchange, a year ahead.';

create or replace view published.macro_series as
select
    series_id, title, frequency, units, seasonal_adjustment, publication_lag_days, used_for
from core.macro_series;
comment on view published.macro_series is 'One row per macro series followed.';

create or replace view audit.dataset_state as
with request as materialized (
    select
        request.dataset, request.status, request.window_end, request.finished_at, request.run_id,
        coalesce(run.clock_at, run.started_at) as clock_at
    from audit.fetch as request
    join audit.run as run using (run_id)
),
last_of_item as (
    select dataset, item, status, finished_at as last_fetched_at
    from audit.latest_fetch where dataset in ('macro_observation', 'index_membership')
),
last_of_dataset as (
    select
        dataset, max(last_fetched_at) as last_fetched_at,
        string_agg(items || ' ' || status, ', ' order by items desc, status) as status
    from (
        select dataset, status, count(*) as items, max(finished_at) as last_fetched_at
        from request
        join (select dataset, max(run_id) as run_id from request group by dataset) as newest
            using (dataset, run_id)
        group by dataset, status
    ) as ending
    group by dataset
),
served as (
    select dataset, max(clock_at) as served_at
    from request where status in ('loaded', 'empty') group by dataset
),
loaded as (
    select split_part(table_name, '.', 2) as dataset, max(loaded_at) as loaded_at
    from audit.load where rows_new + rows_changed + rows_removed > 0 group by table_name
),
last_bar as (
    select newest.session_date
    from core.instrument as instrument
    cross join lateral (
        select bar.session_date from core.daily_price as bar
        where bar.instrument_id = instrument.instrument_id
        order by bar.session_date desc limit 1
    ) as newest
),
series as (
    select series_id, max(observation_date) as latest_date, max(loaded_at) as loaded_at
    from core.macro_observation group by series_id
),
file as (
    select fund, max(as_of_date) as latest_date, max(loaded_at) as loaded_at
    from core.index_membership group by fund
),
filed as (
    -- the days of the SEC's index that were read, up to the first filing not requested yet
    select least(
        max(day) filter (where is_read), min(day) filter (where not is_read) - 1,
        (select min(filed_date) - 1 from audit.pending_filing where last_requested_on is null)
    ) as until
    from audit.filing_index_day where exists (select from core.company_fact)
),
source as (
    -- the session that half of the traded tickers have: one ticker fetched alone changes nothing
    select
        'daily_price' as dataset, null as item, 'close' as clock,
        (
            select percentile_disc(0.5) within group (order by session_date desc) from last_bar
            where session_date > (select max(session_date) - 30 from last_bar)
        ) as latest_date,
        'daily_price' as fetched_with
    union all
    select
        'corporate_action', null, 'asked', (select max(ex_date) from core.corporate_action),
        'daily_price'
    union all
    select 'company_fact', null, 'morning', (select until from filed), 'filing_index'
    union all
    select
        'company_ticker', null, 'morning',
        (select max(window_end) from request where dataset = 'company_ticker' and status = 'loaded'),
        'company_ticker'
),
behind as (
    -- a derivation moves the watermark also where the changes reach no row
    select
        followed.derived_table as dataset,
        min(coalesce(run.clock_at, run.started_at)) as behind_since
    from audit.derivation as followed
    join audit.change as change
        on change.table_name = followed.input_table and change.change_id > followed.change_id
    join audit.run as run using (run_id)
    group by followed.derived_table
)
select
    source.dataset, source.item, source.clock, source.latest_date, loaded.loaded_at,
    last_of_dataset.last_fetched_at, last_of_dataset.status,
    served.served_at, null::timestamptz as behind_since, null::text as frequency,
    null::integer as lag_days
from source
left join loaded using (dataset)
left join last_of_dataset on last_of_dataset.dataset = source.fetched_with
left join served on served.dataset = source.fetched_with
union all
select
    'macro_observation', followed.series_id, 'release', series.latest_date, series.loaded_at,
    last_of_item.last_fetched_at, last_of_item.status, null, null, followed.frequency,
    followed.publication_lag_days
from core.macro_series as followed
left join series using (series_id)
left join last_of_item
    on last_of_item.dataset = 'macro_observation' and last_of_item.item = followed.series_id
union all
-- funds requested in the last two weeks; others have left the settings
select
    last_of_item.dataset, last_of_item.item, 'morning', file.latest_date, file.loaded_at,
    last_of_item.last_fetched_at, last_of_item.status, null, null, null, null
from last_of_item
left join file on file.fund = last_of_item.item
where last_of_item.dataset = 'index_membership' and last_of_item.last_fetched_at > (
    select max(last_fetched_at) - interval '14 days' from last_of_item where dataset = 'index_membership'
)
union all
select
    derived.dataset, null, 'inputs', derived.latest_date, loaded.loaded_at, null, null, null,
    behind.behind_since, null, null
from audit.derived_state as derived
left join loaded using (dataset)
left join behind using (dataset);
comment on view audit.dataset_state is 'One row per dataset, and item where each has a clock of its own: the input of published.freshness_at.';
comment on column audit.dataset_state.dataset is 'The table, by its published name.';
comment on column audit.dataset_state.item is 'Series or fund. NULL: the table has one clock.';
comment on column audit.dataset_state.clock is 'close (a row per session, after its close), morning (a file, list or index per session, the next session''s morning), release (an observation per period, after the publication lag), asked (events: to be requested after each close), inputs (derived: due when an input changed).';
comment on column audit.dataset_state.latest_date is 'Date of the newest row. NULL: no rows.';
comment on column audit.dataset_state.loaded_at is 'When rows were last added, changed or removed. NULL: never.';
comment on column audit.dataset_state.last_fetched_at is 'When the provider was last requested.';
comment on column audit.dataset_state.status is 'Status of that request as in audit.fetch, with the number of items where the dataset has many.';
comment on column audit.dataset_state.served_at is 'The run''s logical time of the last request with a reply. NULL: another column says what is due.';
comment on column audit.dataset_state.behind_since is 'Derived: the warehouse''s clock at the first change of an input that the rows do not reflect; NULL where they reflect all.';
comment on column audit.dataset_state.frequency is 'Of the series: Daily, Weekly, Monthly, Quarterly.';
comment on column audit.dataset_state.lag_days is 'Of the series: days from an observation''s date to its release, at most.';

create or replace function published.freshness_at(at timestamptz)
returns table (
    dataset text, item text, latest_date date, loaded_at timestamptz, last_fetched_at timestamptz,
    last_fetch_status text, next_due_at timestamptz, is_late boolean, reason text
) language sql stable as $$
    with due as (
        select
            state.*,
            case state.clock
                -- the run at 18:30 is done by 22:00, and on half days by 19:00
                when 'close' then (
                    select session.closes_at + interval '6 hours' from published.session
                    where session.session_date > state.latest_date order by session_date limit 1
                )
                when 'asked' then (
                    select session.closes_at + interval '6 hours' from published.session
                    where session.closes_at > state.served_at order by session_date limit 1
                )
                -- the file of the session after the newest one, on the morning after that
                when 'morning' then (
                    select (session.session_date + time '08:30') at time zone 'America/New_York'
                    from published.session
                    where session.session_date > state.latest_date
                    order by session_date offset 1 limit 1
                )
                -- lags are counted in days and releases come on working days; the sessions on top
                -- are for bank holidays on which the exchange is open
                when 'release' then (
                    select session.closes_at + interval '6 hours' from published.session
                    where session.session_date >= state.lag_days + case state.frequency
                        when 'Daily' then state.latest_date + case extract(isodow from state.latest_date)
                            when 5 then 3 when 6 then 2 else 1
                        end
                        when 'Weekly' then state.latest_date + 7
                        when 'Monthly' then (state.latest_date + interval '1 month')::date
                        when 'Quarterly' then (state.latest_date + interval '3 months')::date
                    end
                    order by session_date
                    offset case when state.frequency in ('Daily', 'Weekly') then 1 else 2 end
                    limit 1
                )
                -- a derivation follows each run within hours
                when 'inputs' then state.behind_since + interval '6 hours'
            end as next_due_at
        from audit.dataset_state as state
    ),
    not_configured as (
        -- without a contact address nothing is requested from the SEC, and nothing of it is late
        select dataset
        from (
            values ('company_ticker'), ('company_fact')
            union all
            select dataset from audit.derived_state where follows_filings
        ) as from_filings (dataset)
        where not exists (select from audit.fetch where source = 'sec')
    ),
    calendar as (
        -- past the calendar's last session no due date can be computed
        select max(session_date) as ends_on, coalesce(at > max(closes_at), true) as is_over
        from published.session
    )
    select
        dataset, item, latest_date, loaded_at, last_fetched_at, status, next_due_at,
        case
            when latest_date is null then dataset not in (select not_configured.dataset from not_configured)
            when next_due_at is null and clock <> 'inputs' then calendar.is_over
            else coalesce(next_due_at < at, false)
        end,
        case
            when latest_date is null and dataset in (select not_configured.dataset from not_configured)
                then 'not configured: ROTATION_SEC_USER_AGENT is not set, and nothing was requested from the SEC'
            when latest_date is null and clock = 'inputs' then 'nothing has been derived yet'
            when latest_date is null
                then 'no rows; ' || coalesce('last request: ' || status, 'never requested')
            when next_due_at is null and clock <> 'inputs' and calendar.is_over
                then 'the trading calendar has ended: its last session is '
                    || coalesce(calendar.ends_on::text, 'none')
                    || '; make up reads it again'
            when next_due_at < at then case clock
                when 'inputs' then 'inputs changed by '
                    || to_char(behind_since at time zone 'America/New_York', 'YYYY-MM-DD HH24:MI')
                    || ' in New York are not reflected'
                when 'asked' then 'not requested since the close before '
                    || to_char(next_due_at at time zone 'America/New_York', 'YYYY-MM-DD HH24:MI')
                    || ' in New York'
                else 'data after ' || latest_date || ' was due by '
                    || to_char(next_due_at at time zone 'America/New_York', 'YYYY-MM-DD HH24:MI')
                    || ' in New York; '
                    || coalesce('last request: ' || status, 'never requested')
            end
        end
    from due cross join calendar
    order by dataset, item
$$;
comment on function published.freshness_at is 'published.freshness at a given time: the rows stored now, late or not if it were then. For a warehouse whose clock is not the machine''s.';

create or replace view published.freshness as
select freshness.*
from published.freshness_at(
    case
        when exists (select from audit.origin where origin <> 'live')
            -- a replayed data set has a clock of its own: it stands at the logical time of the last run
            then (select max(coalesce(clock_at, started_at)) from audit.run)
        else now()
    end
) as freshness;
comment on view published.freshness is
'One row per dataset (macro: per series; members: per fund): its newest date, and whether it is late by its source''s own clock. Of a replayed data set, at the logical time of the last run.';
comment on column published.freshness.dataset is 'The table, by its published name.';
comment on column published.freshness.item is 'Series or fund. NULL: the table has one clock.';
comment on column published.freshness.latest_date is 'Date of the newest row; of prices, the session that half of the traded tickers have; of company_fact, the day up to which the SEC''s indexes were read and the filings in them requested; of company_ticker, the day on which the list was read. NULL: no rows.';
comment on column published.freshness.loaded_at is 'When rows were last added, changed or removed. NULL: never.';
comment on column published.freshness.last_fetched_at is 'When the provider was last requested. NULL: a derived table.';
comment on column published.freshness.last_fetch_status is 'Status of that request as in audit.fetch, with the number of items where the dataset has many. NULL: a derived table.';
comment on column published.freshness.next_due_at is 'When the next row is due: prices six hours after a session''s close; members, company facts and the list of tickers at 08:30 on the session after the newest one''s next; series after their publication lag; derived tables six hours after an input changed. NULL: no input has changed, or the trading calendar ends before.';
comment on column published.freshness.is_late is 'Whether next_due_at is past, there are no rows, or the trading calendar has ended.';
comment on column published.freshness.reason is 'Why it is late, in words. NULL: it is not late.';
