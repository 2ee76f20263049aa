-- Which days of the SEC's index are read: flows and backfills plan by it, freshness is judged by it.
create or replace view audit.filing_index_day as
select
    latest.window_start as day,
    latest.has_loaded or exists (
        select from audit.fetch as request
        where request.dataset = 'filing_index' and request.item = latest.item
            and request.reason in ('edgar_closed', 'never_published')
    ) as is_read,
    latest.status,
    latest.fetched_at as last_fetched_at
from audit.latest_fetch as latest
where latest.dataset = 'filing_index';
comment on view audit.filing_index_day is 'One row per day whose index of filings the SEC was asked for, and whether it is read.';
comment on column audit.filing_index_day.day is 'The day of the filings.';
comment on column audit.filing_index_day.is_read is 'Whether what it names is noted, or nothing ever will be: EDGAR was closed, or never published it. Such a day is not asked for again; one whose index was late or failed is.';
comment on column audit.filing_index_day.status is 'What came of the newest request: a status of audit.fetch.';
comment on column audit.filing_index_day.last_fetched_at is 'The warehouse''s clock at the last request.';
