-- A day of the SEC's index is read once. What it named is kept here until it is loaded, so that
-- stopping between the two loses nothing.
create table audit.filing_due (
    cik integer not null,
    accession_number text not null,
    form text not null,
    filed_date date not null,
    asked_on date,
    run_id bigint not null references audit.run,
    noted_at timestamptz not null default clock_timestamp(),
    primary key (cik, accession_number)
);
comment on table audit.filing_due is 'One row per filing that the SEC''s daily index named and whose facts have not come yet; gone once they have.';
comment on column audit.filing_due.cik is 'The SEC''s number of the filer.';
comment on column audit.filing_due.accession_number is 'The filing.';
comment on column audit.filing_due.form is '10-K, 10-Q and their kin.';
comment on column audit.filing_due.filed_date is 'Day on which the SEC dates the filing.';
comment on column audit.filing_due.asked_on is 'Newest day in New York on which the company was asked and the reply did not have the filing yet; NULL: not asked since.';
comment on column audit.filing_due.run_id is 'The run that read the index.';
comment on column audit.filing_due.noted_at is 'When it was read.';

-- A limit that holds for all processes, and a pause that outlives them: a request during one of
-- the SEC's blocks prolongs it. Unlogged, as it says nothing after a crash of the server.
create unlogged table audit.pace (
    provider text primary key,
    next_turn_at timestamptz not null,
    paused_until timestamptz not null
);
comment on table audit.pace is 'One row per provider whose pace all processes share.';
comment on column audit.pace.provider is 'The provider: sec.';
comment on column audit.pace.next_turn_at is 'When the next request may be sent.';
comment on column audit.pace.paused_until is 'Until when none may be sent, because the provider refused one as too many.';

comment on column audit.run.flow is 'The flow: prices, macro, holdings, filings, derived.';
comment on column audit.fetch.source is 'The provider: yahoo, fred, ishares, sec.';
comment on column audit.fetch.item is 'Ticker, series id, fund, company or day of an index.';
