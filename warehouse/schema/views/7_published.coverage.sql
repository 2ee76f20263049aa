-- Expected rows against stored rows, and a reason for each gap.
create or replace view derived.expected_price as
with horizon as materialized (
    -- A replayed data set has a clock of its own: its sessions end where the last request ended.
    select
        greatest(
            max(request.window_end),
            (
                select (now() at time zone 'America/New_York')::date
                from audit.origin where origin = 'live'
            )
        ) as until
    from audit.fetch as request
    where request.dataset = 'daily_price'
),
first_bar_of as materialized (
    select instrument.instrument_id, bar.session_date as first_bar
    from core.instrument as instrument
    cross join lateral (
        select session_date from core.daily_price as held
        where held.instrument_id = instrument.instrument_id order by session_date limit 1
    ) as bar
),
member_instrument as materialized (
    select distinct instrument_id from core.index_membership
),
-- The trading calendar begins in 1926. No bar of a member is expected before the earlier of two
-- days: that of the first bar of any member, and that on which the first file is known.
first_expected as materialized (
    select least(
        (select min(known_from) from core.index_membership),
        (select min(first_bar) from first_bar_of join member_instrument using (instrument_id))
    ) as since
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
    -- one that describes an older day than a snapshot known before it is never in force
    where not exists (
        select from core.index_membership as newer
        where newer.index_code = file.index_code and newer.as_of_date > file.as_of_date
            and newer.known_from <= file.known_from
    )
    window later as (partition by index_code order by as_of_date)
),
watch_list_instrument as materialized (
    select first_bar_of.instrument_id, first_bar_of.first_bar, max(request.window_end) as last_requested_date
    from first_bar_of
    join core.ticker as ticker on ticker.instrument_id = first_bar_of.instrument_id
    join audit.fetch as request on request.dataset = 'daily_price' and request.item = ticker.ticker
    where first_bar_of.instrument_id not in (select instrument_id from member_instrument)
    group by first_bar_of.instrument_id, first_bar_of.first_bar
),
expected as (
    select
        snapshot.index_code, session.session_date, session.closes_at, member.instrument_id,
        session.session_date < snapshot.known_from as is_backcast
    from horizon
    cross join first_expected
    join core.session as session
        on session.session_date between first_expected.since and horizon.until
    -- offset: the file of each day is found first, or each member would look for its days
    cross join lateral (
        select * from snapshot as file
        where file.in_force_from <= session.session_date
            and session.session_date < file.in_force_to
        offset 0
    ) as snapshot
    join core.index_membership as member
        on member.index_code = snapshot.index_code and member.as_of_date = snapshot.as_of_date
    left join first_bar_of on first_bar_of.instrument_id = member.instrument_id
    where session.session_date >= snapshot.known_from or session.session_date >= first_bar_of.first_bar
    union all
    select 'watched', session.session_date, session.closes_at, watch_list_instrument.instrument_id, false
    from watch_list_instrument
    join core.session as session
        on session.session_date between watch_list_instrument.first_bar and watch_list_instrument.last_requested_date
),
quarantined_row as materialized (
    select
        names.instrument_id, dated.session_date,
        bool_and(dated.rule = 'unfinished_session') as is_unfinished
    from (
        select key ->> 'ticker' as ticker, (key ->> 'session_date')::date as session_date, rule
        from audit.quarantine where table_name = 'daily_price'
    ) as dated
        join core.ticker_instrument as names
        on names.ticker = dated.ticker and names.counts_from <= dated.session_date
        and dated.session_date < names.counts_to
    group by names.instrument_id, dated.session_date
)
select
    expected.index_code, expected.instrument_id, expected.session_date, expected.is_backcast,
    case
        when bar.instrument_id is not null then 'loaded'
        when quarantined_row.is_unfinished or expected.closes_at > now() then 'not_due'
        when quarantined_row.instrument_id is not null then 'quarantined'
        else coalesce((
            -- the newest request that covers the session, under any of its symbols
            select case when request.status = 'loaded' then 'no_row' else request.status end
            from core.ticker as ticker
            -- the body of audit.latest_fetch: a function would need the caller's rights on audit
            join audit.fetch_result as request
                on request.dataset = 'daily_price' and request.item = ticker.ticker
                and expected.session_date between request.window_start and request.window_end
            where ticker.instrument_id = expected.instrument_id
            order by request.finished_at desc, request.fetch_id desc
            limit 1
        ), 'not_asked')
    end as status
from expected
left join core.daily_price as bar
    on bar.instrument_id = expected.instrument_id and bar.session_date = expected.session_date
left join quarantined_row
    on quarantined_row.instrument_id = expected.instrument_id
    and quarantined_row.session_date = expected.session_date;
comment on view derived.expected_price is 'One row per index and XNYS session and instrument whose bar is expected, and its status.';
comment on column derived.expected_price.status is 'loaded, quarantined, or why the bar is not there';

create or replace view derived.expected_holdings_file as
with fund as materialized (
    select index_code, fund, first_day
    from (
        -- the funds' quarterly reports are no holdings files
        select index_code, min(as_of_date) as first_day
        from core.index_membership where source <> 'nport' group by index_code
    ) as held
    cross join lateral (
        select fund from core.index_membership as newest
        where newest.index_code = held.index_code order by known_from desc limit 1
    ) as newest
),
horizon as materialized (
    -- a file describes the close before the day on which it is requested
    select
        greatest(
            max(member.as_of_date),
            (
                select max(session_date) from core.session
                where session_date < (now() at time zone 'America/New_York')::date
                    and exists (select from audit.origin where origin = 'live')
            )
        ) as until
    from (
        select max(as_of_date) as as_of_date from core.index_membership group by index_code
    ) as member
)
select
    fund.index_code, fund.fund, session.session_date,
    case
        when exists (
            select from core.index_membership as member
            where member.index_code = fund.index_code and member.as_of_date = session.session_date
        ) then 'loaded'
        else coalesce((
            select case when request.status = 'loaded' then 'no_row' else request.status end
            from audit.fetch_result as request
            where request.dataset = 'index_membership' and request.item = fund.fund
                and session.session_date between request.window_start and request.window_end
            order by request.finished_at desc, request.fetch_id desc
            limit 1
        ), 'not_asked')
    end as status
from fund
cross join horizon
join core.session as session on session.session_date between fund.first_day and horizon.until;
comment on view derived.expected_holdings_file is 'One row per index and XNYS session since its first holdings file: the status of the file that describes it.';
comment on column derived.expected_holdings_file.status is 'loaded, quarantined, or why the file is not there';

create or replace view derived.expected_company_facts as
with named as materialized (
    -- before the list of tickers was first read, its first entry, which is all that is known
    select
        instrument_id, cik,
        case when lag(known_from) over later is null then '-infinity' else known_from end
            as named_from,
        coalesce(lead(known_from) over later, 'infinity') as named_to
    from derived.instrument_cik
    window later as (partition by instrument_id order by known_from)
),
request as materialized (
    select item, status, reason from audit.latest_fetch where dataset = 'company_fact'
),
quarantined_row as materialized (
    select distinct key ->> 'cik' as cik from audit.quarantine where table_name = 'company_fact'
),
list as materialized (
    select coalesce(bool_or(has_ever_loaded), false) as is_read
    from audit.latest_fetch where dataset = 'company_ticker'
),
filer as materialized (
    select
        company.cik,
        case
            when request.status = 'unreadable' then 'unreadable'
            -- shares on a cover page are no financial fact
            when exists (
                select from core.company_fact as fact
                where fact.cik = company.cik and fact.unit = 'USD'
            ) then 'loaded'
            when quarantined_row.cik is not null then 'quarantined'
            when request.status = 'loaded' then 'no_row'
            else coalesce(request.status, 'not_asked')
        end as status,
        case when request.status = 'unreadable' then request.reason end as detail
    from (select distinct cik from named) as company
    left join request on request.item = company.cik::text
    left join quarantined_row on quarantined_row.cik = company.cik::text
)
select distinct
    member.index_code, member.as_of_date as session_date,
    -- two lines of one company are one
    coalesce(filer.cik::text, member.ticker) as item,
    coalesce(filer.status, case when list.is_read then 'not_found' else 'not_asked' end) as status,
    filer.detail,
    filer.status = 'loaded' and debt.total_debt_usd is null as lacks_debt
from core.index_membership as member
cross join list
left join named
    on named.instrument_id = member.instrument_id and named.named_from <= member.known_from
    and member.known_from < named.named_to
left join filer on filer.cik = named.cik
left join lateral (
    select total_debt_usd from derived.company_refinancing as company
    where company.cik = named.cik and company.as_of_date <= member.as_of_date
    order by company.as_of_date desc limit 1
) as debt on true;
comment on view derived.expected_company_facts is 'One row per index and holdings file and company among its members, or symbol of one that the SEC''s list does not have: the status of the company''s facts.';
comment on column derived.expected_company_facts.item is 'The SEC''s number of the filer; the symbol where the list does not have the company.';
comment on column derived.expected_company_facts.status is 'loaded (amounts of any day are stored), quarantined, or why there are none';
comment on column derived.expected_company_facts.detail is 'Why the newest reports cannot be read: ifrs, other_currency or no_listed_tag; NULL: they can.';
comment on column derived.expected_company_facts.lacks_debt is 'Whether amounts are stored and total debt was unknown at the quarter-end before.';

create or replace view published.coverage as
select
    dataset, index_code, session_date,
    count(*) as expected,
    count(*) filter (where status = 'loaded') as loaded,
    count(*) filter (where status = 'quarantined') as quarantined,
    count(*) filter (where status not in ('loaded', 'quarantined')) as missing,
    count(*) filter (where status = 'not_due') as missing_not_due,
    count(*) filter (where status = 'throttled') as missing_throttled,
    count(*) filter (where status = 'outage') as missing_outage,
    count(*) filter (where status = 'refused') as missing_refused,
    count(*) filter (where status = 'empty') as missing_empty,
    count(*) filter (where status = 'delisted') as missing_delisted,
    count(*) filter (where status = 'not_found') as missing_not_found,
    count(*) filter (where status = 'unreadable') as missing_unreadable,
    count(*) filter (where status = 'no_row') as missing_no_row,
    count(*) filter (where status = 'not_asked') as missing_not_asked,
    count(*) filter (where status = 'pending') as missing_pending,
    count(*) filter (where lacks_debt) as loaded_without_debt,
    bool_or(is_backcast) as is_backcast
from (
    select
        'daily_price' as dataset, index_code, session_date, status, false as lacks_debt, is_backcast
    from derived.expected_price
    union all
    select 'index_membership', index_code, session_date, status, false, false
    from derived.expected_holdings_file
    union all
    select 'company_fact', index_code, session_date, status, lacks_debt, false
    from derived.expected_company_facts
    union all
    select 'macro_observation', null, session_date, status, false, false
    from derived.expected_macro_observation
    union all
    select 'filing_index', null, session_date, status, false, false
    from derived.expected_filing_index
    union all
    select 'filing', null, session_date, status, false, false from derived.expected_filing
) as row_of
group by dataset, index_code, session_date;
comment on view published.coverage is
'One row per dataset, index and XNYS session: how many rows are expected (daily_price: one per member of the index that day, or other symbol followed; index_membership: the holdings file that describes the session; company_fact, on the days of holdings files: one per company among the members, or member that the SEC''s list of companies does not have; macro_observation: one per release due on the session; filing_index: the SEC''s index of the day; filing: one per report of a followed company filed that day), and their status. expected = loaded + quarantined + missing; missing is the sum of the columns missing_*. Filter on session_date: the cost grows with the number of sessions.';
comment on column published.coverage.dataset is 'The published table that the rows belong to; filing_index and filing: the SEC''s daily index and the reports that it lists.';
comment on column published.coverage.index_code is 'The index whose members are expected; watched: watch-list symbols that were never a member, from their first bar to the last date requested. NULL: the dataset has no index.';
comment on column published.coverage.session_date is 'The session; of a release or filing on another day, the next one. The last one for bars is the day of the newest request; live, today. For holdings files the newest one stored; live, the last session before today.';
comment on column published.coverage.expected is 'The rows expected: a bar per member (before the first holdings file, its members from their first bar on), one holdings file, the facts of a company, a macro release, an index of filings, or a report.';
comment on column published.coverage.loaded is 'Rows stored.';
comment on column published.coverage.quarantined is 'Rows received and quarantined, none of them loaded since: audit.quarantine.';
comment on column published.coverage.missing is 'Rows neither stored nor quarantined.';
comment on column published.coverage.missing_not_due is 'The session had not closed.';
comment on column published.coverage.missing_throttled is 'The provider refused so many requests.';
comment on column published.coverage.missing_outage is 'The provider gave no usable reply.';
comment on column published.coverage.missing_refused is 'The provider refused the request, or a critical rule the batch that came.';
comment on column published.coverage.missing_empty is 'The provider knows the symbol and had no row in the window.';
comment on column published.coverage.missing_delisted is 'The provider no longer knows a symbol whose rows are stored.';
comment on column published.coverage.missing_not_found is 'The provider does not know the symbol.';
comment on column published.coverage.missing_unreadable is 'The reports of the company are under IFRS, in another currency than USD, or have no listed tag: coverage_gap.detail.';
comment on column published.coverage.loaded_without_debt is 'Of loaded, companies whose total debt was unknown at the quarter-end before: no tag of debt is filed, or no total; see missing_reasons of company_refinancing.';
comment on column published.coverage.missing_no_row is 'The provider sent other rows and not this one: a halt, a hole, an observation not released, or a filing without facts.';
comment on column published.coverage.missing_not_asked is 'No request has covered the session.';
comment on column published.coverage.missing_pending is 'Filings only: requested, and the SEC serves no facts of it yet. After a week it counts as missing_no_row.';
comment on column published.coverage.is_backcast is 'Whether the members are those of the first holdings file, which was not known yet.';
