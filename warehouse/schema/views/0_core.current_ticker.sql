-- What a ticker names, now and on a day, and what an instrument is called now, in one place.
create or replace view core.ticker_instrument as
select
    ticker, instrument_id, valid_from, valid_to,
    lag(valid_to, 1, '-infinity'::date) over of_ticker as counts_from,
    case when lead(ticker) over of_ticker is null then 'infinity' else valid_to end as counts_to
from core.ticker
window of_ticker as (partition by ticker order by core.ticker.valid_from);
comment on view core.ticker_instrument is 'One row per ticker and period: core.ticker without gaps. On a day on which a ticker names nothing it counts for the instrument that it names next, else for the last one. What it names now: counts_to = infinity.';
comment on column core.ticker_instrument.counts_from is 'First day on which the ticker counts for the instrument; -infinity for its first.';
comment on column core.ticker_instrument.counts_to is 'The day from which it no longer does; infinity for its last: the one that it names now.';

create or replace view core.current_ticker as
select distinct on (instrument_id) instrument_id, ticker
from core.ticker
order by instrument_id, valid_from desc;
comment on view core.current_ticker is 'One row per instrument: the ticker that it has now, or had last.';
