-- Which days of the SEC's index are read: flows and backfills plan by it, freshness is judged by it.
create or replace view audit.filing_index_day as
select
    asked.window_start as day,
    coalesce(
        bool_or(asked.status = 'loaded' or asked.reason in ('closed', 'never_published')), false
    ) as is_read,
    (array_agg(asked.status order by asked.fetch_id desc))[1] as status,
    max(coalesce(run.clock_at, asked.finished_at)) as last_fetched_at
from audit.fetch as asked
join audit.run as run using (run_id)
where asked.dataset = 'filing_index'
group by asked.window_start;
comment on view audit.filing_index_day is 'One row per day whose index of filings the SEC was asked for, and whether it is read.';
comment on column audit.filing_index_day.day is 'The day of the filings.';
comment on column audit.filing_index_day.is_read is 'Whether what it names is noted, or nothing ever will be: EDGAR was closed, or never published it. Such a day is not asked for again; one whose index was late or failed is.';
comment on column audit.filing_index_day.status is 'What came of the newest request: a status of audit.fetch.';
comment on column audit.filing_index_day.last_fetched_at is 'The warehouse''s clock at the last request.';
