-- What a filer says of itself; facts may come before it, so nothing refers to it by key.
create table core.company (
    cik integer not null primary key check (cik > 0),
    name text not null,
    sic text check (sic ~ '^\d{4}$'),
    sic_description text,
    fiscal_year_end text check (fiscal_year_end ~ '^(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$'),
    first_filed_date date,
    loaded_at timestamptz not null,
    run_id bigint not null
);
call history.add_table('core.company', 'cik');
