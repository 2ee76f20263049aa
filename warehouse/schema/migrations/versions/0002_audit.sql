-- What happened, in SQL: who ran, what was asked, what came, what was refused and why.
create table audit.origin (
    is_only boolean primary key default true check (is_only),
    origin text not null,
    first_run_at timestamptz not null default now()
);
comment on table audit.origin is 'The one origin whose facts this warehouse holds: live, or the name of a tape. One row at most.';
comment on column audit.origin.is_only is 'Always true: keeps the table to one row.';
comment on column audit.origin.origin is 'live, or the name of the tape that is replayed.';
comment on column audit.origin.first_run_at is 'When the first run set it.';

create table audit.run (
    run_id bigint generated always as identity primary key,
    flow text not null,
    flow_run_id uuid,
    state text not null default 'running'
        check (state in ('running', 'completed', 'degraded', 'failed', 'crashed')),
    detail text,
    process text not null,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);
comment on table audit.run is 'One row per run of a flow.';
comment on column audit.run.run_id is 'The number that every row loaded by the run carries.';
comment on column audit.run.flow is 'The flow: prices, macro, holdings, derived.';
comment on column audit.run.flow_run_id is 'Prefect''s id of the flow run; NULL outside Prefect.';
comment on column audit.run.state is 'running, completed, degraded (something is missing, see detail), failed, or died (the process ended without a word).';
comment on column audit.run.detail is 'What the run did and what brought nothing, for people; the class of the error where it failed.';
comment on column audit.run.process is 'Host and process number.';
comment on column audit.run.started_at is 'When the run began.';
comment on column audit.run.ended_at is 'When it ended; NULL while it runs.';

create table audit.fetch (
    fetch_id bigint generated always as identity primary key,
    run_id bigint not null references audit.run,
    source text not null,
    dataset text not null,
    item text not null,
    window_start date,
    window_end date,
    status text not null check (status in
        ('loaded', 'empty', 'not_found', 'delisted', 'throttled', 'outage', 'refused')),
    reason text,
    detail text not null,
    rows bigint not null,
    attempts integer not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    check ((status = 'loaded') = (reason is null))
);
create index on audit.fetch (dataset, item, finished_at);
comment on table audit.fetch is 'The fetch ledger: one row per item and window asked of a provider, with what came of it.';
comment on column audit.fetch.fetch_id is 'A number of its own.';
comment on column audit.fetch.run_id is 'The run that asked.';
comment on column audit.fetch.source is 'The provider: yahoo, fred, ishares.';
comment on column audit.fetch.dataset is 'The table the item is for.';
comment on column audit.fetch.item is 'Ticker, series id or fund.';
comment on column audit.fetch.window_start is 'First date asked for; NULL where the request has no window.';
comment on column audit.fetch.window_end is 'Last date asked for; NULL where the request has no window.';
comment on column audit.fetch.status is 'loaded (rows came, or nothing new was there), empty (an answer without rows), not_found (no such symbol), delisted (held before, gone for more than five sessions), throttled, outage, refused (bad key or bad id).';
comment on column audit.fetch.reason is 'One word for why nothing came; NULL where it did.';
comment on column audit.fetch.detail is 'A sentence for people.';
comment on column audit.fetch.rows is 'Rows received, before validation.';
comment on column audit.fetch.attempts is 'How often it was asked.';
comment on column audit.fetch.started_at is 'When the first attempt began.';
comment on column audit.fetch.finished_at is 'When the last one ended.';

create table audit.quarantine (
    quarantine_id bigint generated always as identity primary key,
    run_id bigint not null references audit.run,
    table_name text not null,
    key jsonb not null,
    rule text not null,
    reason text not null,
    row jsonb not null,
    row_hash text not null generated always as (md5(row::text)) stored,
    quarantined_at timestamptz not null default clock_timestamp(),
    last_run_id bigint not null references audit.run,
    last_seen_at timestamptz not null default clock_timestamp(),
    -- the same bad row comes again with every overlapping request: it is noted, not doubled
    unique (table_name, rule, key, row_hash)
);
comment on table audit.quarantine is 'One row per row received and rule it broke: set aside, not loaded. A row that breaks two rules is here twice; one that comes again is here once.';
comment on column audit.quarantine.quarantine_id is 'A number of its own.';
comment on column audit.quarantine.run_id is 'The run that received it first.';
comment on column audit.quarantine.last_run_id is 'The run that received it last.';
comment on column audit.quarantine.last_seen_at is 'When it was received last.';
comment on column audit.quarantine.row_hash is 'MD5 of the row.';
comment on column audit.quarantine.table_name is 'The table it was meant for.';
comment on column audit.quarantine.key is 'The key it would have had.';
comment on column audit.quarantine.rule is 'The rule it broke.';
comment on column audit.quarantine.reason is 'What the rule says, in words.';
comment on column audit.quarantine.row is 'The row as received.';
comment on column audit.quarantine.quarantined_at is 'When it was set aside.';

create table audit.validation (
    validation_id bigint generated always as identity primary key,
    run_id bigint not null references audit.run,
    table_name text not null,
    rule text not null,
    action text not null check (action in ('stop', 'quarantine', 'warn')),
    expectation text not null,
    success boolean not null,
    evaluated bigint not null,
    unexpected bigint not null,
    detail text not null,
    validated_at timestamptz not null default clock_timestamp()
);
create index on audit.validation (table_name, rule, validated_at);
comment on table audit.validation is 'One row per batch and rule: what was checked and what came of it.';
comment on column audit.validation.validation_id is 'A number of its own.';
comment on column audit.validation.run_id is 'The run that validated.';
comment on column audit.validation.table_name is 'The table the batch was meant for.';
comment on column audit.validation.rule is 'The rule.';
comment on column audit.validation.action is 'What breaking it does: stop the batch, quarantine the rows, or warn.';
comment on column audit.validation.expectation is 'The Great Expectations expectation behind it.';
comment on column audit.validation.success is 'Whether nothing broke it.';
comment on column audit.validation.evaluated is 'Rows looked at.';
comment on column audit.validation.unexpected is 'Rows that broke it.';
comment on column audit.validation.detail is 'A sentence for people.';
comment on column audit.validation.validated_at is 'When it was checked.';

create table audit.load (
    load_id bigint generated always as identity primary key,
    run_id bigint not null references audit.run,
    table_name text not null,
    rows_new bigint not null,
    rows_changed bigint not null,
    rows_same bigint not null,
    rows_removed bigint not null,
    loaded_at timestamptz not null
);
comment on table audit.load is 'One row per batch and table written: what the comparison with the held rows gave.';
comment on column audit.load.load_id is 'A number of its own.';
comment on column audit.load.run_id is 'The run that loaded.';
comment on column audit.load.table_name is 'The table, with its schema.';
comment on column audit.load.rows_new is 'Rows whose key was not held.';
comment on column audit.load.rows_changed is 'Rows that replaced a differing one, which went to history.';
comment on column audit.load.rows_same is 'Rows that were held already.';
comment on column audit.load.rows_removed is 'Derived rows that no longer follow from core, moved to history.';
comment on column audit.load.loaded_at is 'The instant that the written rows carry.';

create table audit.change (
    change_id bigint generated always as identity primary key,
    table_name text not null,
    instrument_id integer,
    item text,
    from_date date not null,
    run_id bigint not null references audit.run
);
create index on audit.change (table_name, change_id);
comment on table audit.change is 'What loads changed, for the derived tables that follow: one row per batch, table and instrument (or item).';
comment on column audit.change.change_id is 'Grows in the order of commits within one table: its loads hold a lock from taking the number to committing.';
comment on column audit.change.table_name is 'The core table that changed.';
comment on column audit.change.instrument_id is 'The instrument whose rows changed; NULL for tables without instruments.';
comment on column audit.change.item is 'The series or index whose rows changed; NULL for tables with instruments.';
comment on column audit.change.from_date is 'The earliest date among the new and changed rows.';
comment on column audit.change.run_id is 'The run that changed them.';

create table audit.derivation (
    derived_table text not null,
    input_table text not null,
    change_id bigint not null,
    primary key (derived_table, input_table)
);
comment on table audit.derivation is 'How far each derived table has followed each of its inputs.';
comment on column audit.derivation.derived_table is 'The derived table.';
comment on column audit.derivation.input_table is 'The core table it reads.';
comment on column audit.derivation.change_id is 'The last change of the input that the derived rows reflect.';

create table audit.reference (
    table_name text primary key,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp()
);
comment on table audit.reference is 'Which version of the view definitions and reference tables is in force.';
comment on column audit.reference.table_name is 'views, or the derived table whose configuration this is.';
comment on column audit.reference.checksum is 'SHA-256 of the files.';
comment on column audit.reference.applied_at is 'When it was applied.';
