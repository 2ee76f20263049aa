-- Every vintage is a row: what was known on a day can always be asked.
create table core.macro_observation (
    series_id text not null check (series_id ~ '^[A-Z0-9_]{1,25}$'),
    observation_date date not null,
    vintage_date date not null,
    value core.finite,
    missing_reason text,
    source text not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (series_id, observation_date, vintage_date),
    check ((value is null) = (missing_reason is not null))
);
call history.add_table('core.macro_observation', 'series_id, observation_date');
