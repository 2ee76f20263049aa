-- The SEC lists today's tickers only: what it said once is kept, and dated by when it was seen.
create table core.company_ticker (
    ticker text not null check (ticker ~ '^[A-Z0-9.-]{1,15}$'),
    known_from date not null,
    cik integer not null check (cik > 0),
    name text not null,
    exchange text,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (ticker, known_from)
);
create index on core.company_ticker (cik);
call history.add_table('core.company_ticker', 'ticker, known_from');
