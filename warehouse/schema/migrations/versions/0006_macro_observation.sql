-- Every vintage is a row: what was known on a day can always be asked.
create table core.macro_observation (
    series_id text not null check (series_id ~ '^[A-Z0-9_]{1,25}$'),
    observation_date date not null,
    vintage_date date not null,
    value double precision check (value > '-infinity' and value < 'infinity'),
    missing_reason text,
    source text not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (series_id, observation_date, vintage_date),
    check ((value is null) = (missing_reason is not null))
);
create table history.macro_observation (
    like core.macro_observation,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.macro_observation (series_id, observation_date);
