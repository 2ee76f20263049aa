create table audit.fetch (
    fetch_id bigint generated always as identity primary key,
    run_id bigint not null references audit.run,
    source text not null,
    dataset text not null,
    item text not null,
    window_start date,
    window_end date,
    status text not null check (status in
        ('loaded', 'empty', 'unreadable', 'not_found', 'delisted', 'throttled', 'outage', 'refused')),
    reason text,
    detail text not null,
    rows bigint not null,
    attempts integer not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    -- later_start: loaded, but the provider no longer serves the oldest part
    check (case status when 'loaded' then reason is null or reason = 'later_start' else reason is not null end)
);
-- The newest fetch of an item: audit.latest_fetch.
create index on audit.fetch (dataset, item, finished_at desc, fetch_id desc)
    include (window_start, window_end, status);
