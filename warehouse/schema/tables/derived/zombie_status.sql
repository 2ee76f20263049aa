-- Who is a zombie, by which definition. Derived by tasks/derive/refinancing/zombie_status.py.
create table derived.zombie_status (
    cik integer not null check (cik > 0),
    as_of_date date not null,
    definition text not null,
    sector text,
    is_zombie boolean,
    missing_reason text,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (cik, as_of_date, definition),
    check ((is_zombie is null) = (missing_reason is not null))
);
-- All companies of a quarter-end.
create index on derived.zombie_status (as_of_date);
call history.add_table('derived.zombie_status', 'cik, as_of_date, definition');
