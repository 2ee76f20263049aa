-- Conditions of scenarios. Derived by tasks/derive/claims/scenario_monitor.py.
create table derived.scenario_monitor (
    scenario text not null,
    condition text not null,
    description text not null,
    series text not null,
    threshold text not null,
    unit text not null,
    newest_value core.finite,
    is_met boolean,
    met_since date,
    first_met date,
    last_met date,
    days_met integer not null check (days_met >= 0),
    known_since date,
    as_of_date date,
    evidence_query text not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (scenario, condition)
);
call history.add_table('derived.scenario_monitor', 'scenario, condition');
