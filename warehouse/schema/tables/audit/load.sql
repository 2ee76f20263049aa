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
