create table audit.validation (
    validation_id bigint generated always as identity primary key,
    run_id bigint not null references audit.run,
    table_name text not null,
    rule text not null,
    action text not null check (action in ('stop', 'quarantine', 'warn')),
    expectation text not null,
    success boolean not null,
    evaluated bigint not null,
    unexpected bigint not null,
    reason text not null,
    detail text not null,
    validated_at timestamptz not null default clock_timestamp()
);
create index on audit.validation (table_name, rule, validated_at);
