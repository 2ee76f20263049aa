-- Who is a zombie, by which definition. Written by tasks/derive/zombie_status.py only.
create table derived.zombie_status (
    cik integer not null check (cik > 0),
    as_of_date date not null,
    definition text not null,
    sector text,
    is_zombie boolean,
    missing_reason text,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (cik, as_of_date, definition),
    check ((is_zombie is null) = (missing_reason is not null))
);
create table history.zombie_status (
    like derived.zombie_status,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.zombie_status (cik, as_of_date, definition);

-- All companies of a quarter-end.
create index on derived.zombie_status (as_of_date);
