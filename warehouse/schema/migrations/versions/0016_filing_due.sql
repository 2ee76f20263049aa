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
comment on table audit.pending_filing is 'One row per filing that the SEC''s daily index named and whose facts have not come yet; gone once they have.';
comment on column audit.pending_filing.cik is 'The SEC''s number of the filer.';
comment on column audit.pending_filing.accession_number is 'The filing.';
comment on column audit.pending_filing.form is '10-K, 10-Q and their kin.';
comment on column audit.pending_filing.filed_date is 'Day on which the SEC dates the filing.';
comment on column audit.pending_filing.last_requested_on is 'Newest day in New York on which the company was asked and the reply did not have the filing yet; NULL: not asked since.';
comment on column audit.pending_filing.run_id is 'The run that read the index.';
comment on column audit.pending_filing.discovered_at is 'When it was read.';

-- A limit that holds for all processes, and a pause that outlives them: a request during one of
-- the SEC's blocks prolongs it. Unlogged, as it says nothing after a crash of the server.
create unlogged table audit.rate_limit (
    provider text primary key,
    next_request_at timestamptz not null,
    blocked_until timestamptz not null
);
comment on table audit.rate_limit is 'One row per provider whose pace all processes share.';
comment on column audit.rate_limit.provider is 'The provider: sec.';
comment on column audit.rate_limit.next_request_at is 'When the next request may be sent.';
comment on column audit.rate_limit.blocked_until is 'Until when none may be sent, because the provider refused one as too many.';

comment on column audit.run.flow is 'The flow: prices, macro, holdings, filings, derived.';
comment on column audit.fetch.source is 'The provider: yahoo, fred, ishares, sec.';
comment on column audit.fetch.item is 'Ticker, series id, fund, company or day of an index.';
