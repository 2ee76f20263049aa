-- Weights of few. Written by tasks/derive/index_concentration.py only.
create table derived.index_concentration (
    index_code text not null,
    as_of_date date not null,
    known_from date not null check (known_from > as_of_date),
    members integer not null check (members > 0),
    top_10_weight_pct double precision not null
        check (top_10_weight_pct > 0 and top_10_weight_pct < 'infinity'),
    hhi double precision not null check (hhi > 0 and hhi < 'infinity'),
    effective_members double precision not null
        check (effective_members > 0 and effective_members < 'infinity'),
    magnificent_seven_weight_pct double precision not null
        check (magnificent_seven_weight_pct >= 0 and magnificent_seven_weight_pct < 'infinity'),
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (index_code, as_of_date)
);
create table history.index_concentration (
    like derived.index_concentration,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.index_concentration (index_code, as_of_date);
