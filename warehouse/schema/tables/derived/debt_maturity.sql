-- Ladders as filed, with the dates that they cover. Derived by tasks/derive/refinancing/debt_maturity.py.
create table derived.debt_maturity (
    cik integer not null check (cik > 0),
    period_end date not null,
    bucket text not null,
    accession_number text not null,
    amount_usd core.finite not null,
    family text not null,
    layout text not null,
    window_start date,
    window_end date,
    is_partial boolean not null,
    form text not null,
    filed_date date not null,
    known_from date not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (cik, period_end, bucket, accession_number),
    check (known_from > filed_date),
    check (window_end >= window_start),
    check (window_start > period_end)
);
call history.add_table('derived.debt_maturity', 'cik, period_end, bucket, accession_number');
