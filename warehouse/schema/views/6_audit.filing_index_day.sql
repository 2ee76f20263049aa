-- Days of the SEC's filing index that are read: plans, backfills and freshness use it.
create or replace view audit.filing_index_day as
select
    latest.window_start as day,
    latest.has_ever_loaded or exists (
        select from audit.fetch as request
        where request.dataset = 'filing_index' and request.item = latest.item
            and request.reason in ('edgar_closed', 'never_published')
    ) as is_read,
    latest.status,
    latest.fetched_at as last_fetched_at
from audit.latest_fetch as latest
where latest.dataset = 'filing_index';
comment on view audit.filing_index_day is 'One row per requested day of the SEC''s filing index, and whether it is read.';
comment on column audit.filing_index_day.day is 'The day of the filings.';
comment on column audit.filing_index_day.is_read is 'Whether its filings are stored or never will be: EDGAR was closed, or never published the index. Such a day is not requested again; a late or failed index is.';
comment on column audit.filing_index_day.status is 'Status of the newest request, as in audit.fetch.';
comment on column audit.filing_index_day.last_fetched_at is 'Logical time of the newest request.';
