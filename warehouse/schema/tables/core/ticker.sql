create table core.ticker (
    ticker text not null check (ticker ~ '^\^?[A-Z0-9][A-Z0-9.=-]{0,14}$'),
    valid_from date not null default '-infinity',
    valid_to date not null default 'infinity',
    instrument_id integer not null references core.instrument,
    loaded_at timestamptz not null default clock_timestamp(),
    run_id bigint,
    primary key (ticker, valid_from),
    check (valid_from < valid_to)
);
create index on core.ticker (instrument_id);
call history.add_table('core.ticker', 'ticker');
comment on table core.ticker is 'One row per ticker and period in which it named an instrument, in Yahoo''s spelling.';
comment on column core.ticker.ticker is 'The symbol, in Yahoo''s spelling (class shares with a dash, indexes with a caret).';
comment on column core.ticker.valid_from is 'First session on which it names the instrument; -infinity where never renamed.';
comment on column core.ticker.valid_to is 'The session from which it no longer does; infinity while it does.';
comment on column core.ticker.instrument_id is 'The instrument it names.';
comment on column core.ticker.loaded_at is 'When the row was loaded.';
comment on column core.ticker.run_id is 'The run that wrote it: audit.run.';
comment on table history.ticker is 'Superseded rows of core.ticker.';
comment on column history.ticker.ticker is 'The symbol, in Yahoo''s spelling.';
comment on column history.ticker.valid_from is 'First session of the superseded mapping.';
comment on column history.ticker.valid_to is 'The session from which the superseded mapping ended.';
comment on column history.ticker.instrument_id is 'The instrument of the superseded mapping.';
comment on column history.ticker.loaded_at is 'When the row was loaded.';
comment on column history.ticker.run_id is 'The run that wrote it: audit.run.';
comment on column history.ticker.superseded_at is 'When a newer row took its place.';
comment on column history.ticker.superseded_by is 'The run that loaded the newer row: audit.run.';
