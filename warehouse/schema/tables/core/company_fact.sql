-- Every filing's rows are kept, comparatives too: what was known on a day is the newest filing
-- of those with known_from not after it.
create table core.company_fact (
    cik integer not null check (cik > 0),
    tag text not null,
    unit text not null,
    period_start date not null,
    period_end date not null,
    accession_number text not null check (accession_number ~ '^\d{10}-\d{2}-\d{6}$'),
    value core.finite not null,
    fiscal_year integer,
    fiscal_period text,
    form text not null,
    filed_date date not null,
    known_from date not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (cik, tag, unit, period_start, period_end, accession_number),
    check (period_start <= period_end),
    check (period_end <= filed_date),
    check (filed_date < known_from)
);
call history.add_table('core.company_fact', 'cik, tag, period_end');
