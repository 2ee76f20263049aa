-- A limit that holds for all processes, and a pause that outlives them: a request during one of
-- the SEC's blocks prolongs it. Unlogged, as it says nothing after a crash of the server.
create unlogged table audit.rate_limit (
    provider text primary key,
    next_request_at timestamptz not null,
    blocked_until timestamptz not null
);
