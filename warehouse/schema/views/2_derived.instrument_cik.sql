create or replace view derived.instrument_cik as
with listed as (
    -- the list may have a symbol some weeks before it trades, so the later instrument comes first
    select distinct on (named.ticker, named.known_from)
        map.instrument_id, named.ticker, named.known_from, named.cik, map.valid_from
    from core.company_ticker as named
    join core.ticker as map
        on map.ticker = named.ticker
        and map.valid_from - 30 <= named.known_from and named.known_from < map.valid_to
    order by named.ticker, named.known_from, map.valid_from desc
)
select distinct on (instrument_id, known_from) instrument_id, known_from, cik, ticker
from listed
where exists (
    select from derived.loaded_index
    join core.index_membership as member using (index_code)
    where member.instrument_id = listed.instrument_id
    -- keeps the planner from a join, which would read every membership there ever was
    offset 0
)
order by instrument_id, known_from, valid_from desc, ticker;
comment on view derived.instrument_cik is 'One row per instrument that ever was in an index, and day on which the SEC''s list said or changed whose it is. The list has symbols: each counts for the instrument that bore it when the list was read, so that neither a former symbol nor one that another company took over names a filer. Before its first row, an instrument is the filer''s that this row says.';
comment on column derived.instrument_cik.ticker is 'The symbol under which the list had it.';
