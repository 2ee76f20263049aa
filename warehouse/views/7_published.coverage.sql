-- What ought to be there against what is: sessions times those followed, and a name for each gap.
create or replace view published.coverage as
with horizon as materialized (
    -- A tape's clock is none of the database's: its sessions end where the last request ended.
    select
        greatest(
            max(asked.window_end),
            (
                select (now() at time zone 'America/New_York')::date
                from audit.origin where origin = 'live'
            )
        ) as until
    from audit.fetch as asked
    where asked.dataset = 'daily_price'
),
listing as materialized (
    select instrument.instrument_id, bar.session_date as first_bar
    from core.instrument as instrument
    cross join lateral (
        select session_date from core.daily_price as held
        where held.instrument_id = instrument.instrument_id order by session_date limit 1
    ) as bar
),
snapshot as materialized (
    select
        index_code, as_of_date, known_from,
        case when lag(known_from) over later is null then '-infinity' else known_from end
            as in_force_from,
        coalesce(lead(known_from) over later, 'infinity') as in_force_to
    from (
        select index_code, as_of_date, min(known_from) as known_from
        from core.index_membership group by index_code, as_of_date
    ) as file
    window later as (partition by index_code order by as_of_date)
),
watched as materialized (
    select listing.instrument_id, listing.first_bar, max(asked.window_end) as last_asked
    from listing
    join core.ticker as ticker on ticker.instrument_id = listing.instrument_id
    join audit.fetch as asked on asked.dataset = 'daily_price' and asked.item = ticker.ticker
    where listing.instrument_id not in (select instrument_id from core.index_membership)
    group by listing.instrument_id, listing.first_bar
),
expected as (
    select
        snapshot.index_code, session.session_date, session.closes_at, member.instrument_id,
        session.session_date < snapshot.known_from as is_backcast
    from horizon
    join core.session as session on session.session_date <= horizon.until
    join snapshot
        on snapshot.in_force_from <= session.session_date
        and session.session_date < snapshot.in_force_to
    join core.index_membership as member
        on member.index_code = snapshot.index_code and member.as_of_date = snapshot.as_of_date
    left join listing on listing.instrument_id = member.instrument_id
    where session.session_date >= snapshot.known_from or session.session_date >= listing.first_bar
    union all
    select 'watched', session.session_date, session.closes_at, watched.instrument_id, false
    from watched
    join core.session as session
        on session.session_date between watched.first_bar and watched.last_asked
),
aside as materialized (
    select
        names.instrument_id, dated.session_date,
        bool_and(dated.rule = 'unfinished_session') as is_unfinished
    from (
        select key ->> 'ticker' as ticker, (key ->> 'session_date')::date as session_date, rule
        from audit.quarantine where table_name = 'daily_price'
    ) as dated
    -- the instrument that the symbol names that day, else the one that it names next, or did last
    cross join lateral (
        select held.instrument_id
        from core.ticker as held
        where held.ticker = dated.ticker
        order by
            held.valid_from <= dated.session_date and dated.session_date < held.valid_to desc,
            case when held.valid_from > dated.session_date then held.valid_from end nulls last,
            held.valid_to desc
        limit 1
    ) as names
    group by names.instrument_id, dated.session_date
),
settled as (
    select
        expected.index_code, expected.session_date, expected.is_backcast,
        case
            when bar.instrument_id is not null then 'loaded'
            when aside.is_unfinished or expected.closes_at > now() then 'not_due'
            when aside.instrument_id is not null then 'quarantined'
            else (
                -- the newest request that covers the session, under any of its symbols
                select case when asked.status = 'loaded' then 'no_bar' else asked.status end
                from core.ticker as ticker
                cross join lateral (
                    select covering.fetch_id, covering.status
                    from audit.fetch as covering
                    where covering.dataset = 'daily_price' and covering.item = ticker.ticker
                        and covering.window_start <= expected.session_date
                        and covering.window_end >= expected.session_date
                    order by covering.fetch_id desc
                    limit 1
                ) as asked
                where ticker.instrument_id = expected.instrument_id
                order by asked.fetch_id desc
                limit 1
            )
        end as outcome
    from expected
    left join core.daily_price as bar
        on bar.instrument_id = expected.instrument_id and bar.session_date = expected.session_date
    left join aside
        on aside.instrument_id = expected.instrument_id
        and aside.session_date = expected.session_date
)
select
    'daily_price' as dataset, index_code, session_date,
    count(*) as expected,
    count(*) filter (where outcome = 'loaded') as loaded,
    count(*) filter (where outcome = 'quarantined') as quarantined,
    count(*) filter (where outcome is null or outcome not in ('loaded', 'quarantined')) as missing,
    count(*) filter (where outcome = 'not_due') as missing_not_due,
    count(*) filter (where outcome = 'throttled') as missing_throttled,
    count(*) filter (where outcome = 'outage') as missing_outage,
    count(*) filter (where outcome = 'refused') as missing_refused,
    count(*) filter (where outcome = 'empty') as missing_empty,
    count(*) filter (where outcome = 'delisted') as missing_delisted,
    count(*) filter (where outcome = 'not_found') as missing_not_found,
    count(*) filter (where outcome = 'no_bar') as missing_no_bar,
    count(*) filter (where outcome is null) as missing_not_asked,
    bool_or(is_backcast) as is_backcast
from settled
group by index_code, session_date;
comment on view published.coverage is
'One row per dataset, index and XNYS session: how many rows are expected (the index''s members that day, or the other symbols followed), and what became of them. expected = loaded + quarantined + missing; missing is the sum of the columns missing_*. Filter on session_date: the cost grows with the sessions asked for.';
comment on column published.coverage.dataset is 'The published table that the rows belong to.';
comment on column published.coverage.index_code is 'The index whose members are expected; watched: symbols followed that were never a member, from their first bar to the last day asked for.';
comment on column published.coverage.session_date is 'The session. The last one is the day of the newest request; live, today.';
comment on column published.coverage.expected is 'Rows that ought to be there: one per member. Before the first holdings file, its members from their first bar on.';
comment on column published.coverage.loaded is 'Rows held.';
comment on column published.coverage.quarantined is 'Rows received and set aside, none of them loaded since: audit.quarantine.';
comment on column published.coverage.missing is 'Rows neither held nor set aside.';
comment on column published.coverage.missing_not_due is 'The session had not closed.';
comment on column published.coverage.missing_throttled is 'The provider would not serve so many requests.';
comment on column published.coverage.missing_outage is 'The provider gave no usable answer.';
comment on column published.coverage.missing_refused is 'The provider refused the request.';
comment on column published.coverage.missing_empty is 'The provider knows the symbol and had no row in the window.';
comment on column published.coverage.missing_delisted is 'The provider no longer knows a symbol whose rows are held.';
comment on column published.coverage.missing_not_found is 'The provider does not know the symbol.';
comment on column published.coverage.missing_no_bar is 'The provider sent other sessions and not this one: a halt, or a hole.';
comment on column published.coverage.missing_not_asked is 'No request has covered the session.';
comment on column published.coverage.is_backcast is 'Whether the members are those of the first holdings file, which was not known yet.';
