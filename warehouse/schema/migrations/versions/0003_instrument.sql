-- Facts hang on an instrument, not on a ticker: tickers are renamed and reused.
create table core.instrument (
    instrument_id integer generated always as identity primary key,
    first_ticker text not null,
    loaded_at timestamptz not null default clock_timestamp()
);
comment on table core.instrument is 'One row per thing that trades: a share class, a fund, an index.';
comment on column core.instrument.instrument_id is 'The warehouse''s own number; differs between warehouses, so never in published views.';
comment on column core.instrument.first_ticker is 'The ticker under which it was first seen.';
comment on column core.instrument.loaded_at is 'When it was first seen.';

create table core.ticker (
    ticker text not null check (ticker ~ '^\^?[A-Z0-9][A-Z0-9.=-]{0,14}$'),
    valid_from date not null default '-infinity',
    valid_to date not null default 'infinity',
    instrument_id integer not null references core.instrument,
    primary key (ticker, valid_from),
    check (valid_from < valid_to)
);
create index on core.ticker (instrument_id);
comment on table core.ticker is 'One row per ticker and period in which it named an instrument, in Yahoo''s spelling.';
comment on column core.ticker.ticker is 'The symbol, in Yahoo''s spelling (class shares with a dash, indexes with a caret).';
comment on column core.ticker.valid_from is 'First session on which it names the instrument; -infinity where never renamed.';
comment on column core.ticker.valid_to is 'The session from which it no longer does; infinity while it does.';
comment on column core.ticker.instrument_id is 'The instrument it names.';
