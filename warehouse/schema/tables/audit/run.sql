create table audit.run (
    run_id bigint generated always as identity primary key,
    flow text not null,
    flow_run_id uuid,
    state text not null default 'running'
        check (state in ('running', 'completed', 'degraded', 'failed', 'cancelled', 'crashed')),
    detail text,
    process text not null,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    clock_at timestamptz
);
