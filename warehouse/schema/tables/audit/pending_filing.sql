-- A day of the SEC's index is read once. What it named is kept here until it is loaded, so that
-- stopping between the two loses nothing.
create table audit.pending_filing (
    cik integer not null,
    accession_number text not null,
    form text not null,
    filed_date date not null,
    last_requested_on date,
    run_id bigint not null references audit.run,
    discovered_at timestamptz not null default clock_timestamp(),
    primary key (cik, accession_number)
);

-- Filings for which the SEC served no facts within a week: no longer requested, and still named.
create table audit.filing_without_facts (
    cik integer not null,
    accession_number text not null,
    form text not null,
    filed_date date not null,
    run_id bigint not null references audit.run,
    given_up_at timestamptz not null default clock_timestamp(),
    primary key (cik, accession_number)
);
