-- A rename or a reused symbol rewrites the ticker map: what it said before must stay known.
alter table core.ticker
    add column loaded_at timestamptz not null default clock_timestamp(),
    add column run_id bigint references audit.run;
comment on column core.ticker.loaded_at is 'When the warehouse came to hold the row.';
comment on column core.ticker.run_id is 'The run that wrote it: audit.run. NULL: from before the map kept its runs.';

create table history.ticker (
    like core.ticker,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.ticker (ticker);
comment on table history.ticker is 'Superseded rows of core.ticker.';
comment on column history.ticker.ticker is 'The symbol, in Yahoo''s spelling.';
comment on column history.ticker.valid_from is 'First session on which it was held to name the instrument.';
comment on column history.ticker.valid_to is 'The session from which it was held to do so no longer.';
comment on column history.ticker.instrument_id is 'The instrument it was held to name.';
comment on column history.ticker.loaded_at is 'When the warehouse came to hold the row.';
comment on column history.ticker.run_id is 'The run that wrote it: audit.run.';
comment on column history.ticker.superseded_at is 'When a newer row took its place.';
comment on column history.ticker.superseded_by is 'The run that brought the newer row: audit.run.';
