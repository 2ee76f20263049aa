-- Weights of few. Derived by tasks/derive/breadth/index_concentration.py.
create table derived.index_concentration (
    index_code text not null,
    as_of_date date not null,
    known_from date not null check (known_from > as_of_date),
    members integer not null check (members > 0),
    top_10_weight_pct core.finite not null check (top_10_weight_pct > 0),
    hhi core.finite not null check (hhi > 0),
    effective_members core.finite not null check (effective_members > 0),
    magnificent_seven_weight_pct core.finite not null check (magnificent_seven_weight_pct >= 0),
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (index_code, as_of_date)
);
call history.add_table('derived.index_concentration', 'index_code, as_of_date');
