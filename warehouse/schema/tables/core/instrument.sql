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
