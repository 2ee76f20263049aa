-- A second source is a witness: where it differs, neither value is replaced, and the row says so.
create table audit.price_discrepancy (
    ticker text not null,
    session_date date not null,
    field text not null check (field in ('close', 'split', 'bar')),
    unit text not null,
    stored_value double precision not null,
    source text not null,
    source_value double precision not null,
    first_run_id bigint not null references audit.run,
    -- one value for both columns of a new row; clock_timestamp() may give two
    first_seen_at timestamptz not null default statement_timestamp(),
    last_run_id bigint not null references audit.run,
    last_seen_at timestamptz not null default statement_timestamp(),
    resolved_run_id bigint references audit.run,
    resolved_at timestamptz,
    primary key (ticker, session_date, field),
    check ((resolved_at is null) = (resolved_run_id is null))
);
