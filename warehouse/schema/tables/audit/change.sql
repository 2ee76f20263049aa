create table audit.change (
    change_id bigint generated always as identity primary key,
    table_name text not null,
    instrument_id integer,
    item text,
    from_date date not null,
    run_id bigint not null references audit.run
);
create index on audit.change (table_name, change_id);
