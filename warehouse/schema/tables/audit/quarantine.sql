create table audit.quarantine (
    quarantine_id bigint generated always as identity primary key,
    first_run_id bigint not null references audit.run,
    table_name text not null,
    key jsonb not null,
    rule text not null,
    reason text not null,
    row jsonb not null,
    row_hash text not null generated always as (md5(row::text)) stored,
    -- one value for both columns of a new row; clock_timestamp() may give two
    quarantined_at timestamptz not null default statement_timestamp(),
    last_run_id bigint not null references audit.run,
    last_seen_at timestamptz not null default statement_timestamp(),
    -- the same bad row comes again with every overlapping request: it is noted, not doubled
    unique (table_name, rule, key, row_hash)
);
