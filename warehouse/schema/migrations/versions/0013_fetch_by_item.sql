-- published.coverage asks, for every gap, which request was the last to cover the session.
create index on audit.fetch (dataset, item, fetch_id desc) include (window_start, window_end, status);
