-- Excess returns by season. Derived by tasks/derive/rotation/seasonality.py.
create table derived.seasonality (
    pair text not null,
    season text not null,
    year integer not null,
    base_session date not null,
    last_session date not null check (last_session > base_session),
    known_from date not null check (known_from >= last_session),
    excess_return core.finite not null,
    years integer not null check (years > 0),
    mean_excess_return core.finite not null,
    sd_excess_return core.finite check (sd_excess_return >= 0),
    t_statistic core.finite,
    hit_rate core.finite not null check (hit_rate between 0 and 1),
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (pair, season, year)
);
call history.add_table('derived.seasonality', 'pair, season, year');
