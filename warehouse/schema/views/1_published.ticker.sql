-- The dated ticker map, without the warehouse's own numbers: what a symbol named, and what the
-- same instrument was called before and after.
create or replace view as_of.ticker_version as
select
    ticker, valid_from, valid_to, loaded_at, 'infinity'::timestamptz as superseded_at, run_id,
    null::bigint as superseded_by, instrument_id
from core.ticker
union all
select
    ticker, valid_from, valid_to, loaded_at, superseded_at, run_id, superseded_by, instrument_id
from history.ticker;
comment on view as_of.ticker_version is 'Every version of every row of the ticker map: held from loaded_at until superseded_at.';

create or replace view published.ticker as
select
    -- many clients can't read infinite dates
    ticker, nullif(valid_from, '-infinity') as valid_from, nullif(valid_to, 'infinity') as valid_to,
    lag(ticker) over of_instrument as renamed_from,
    lead(ticker) over of_instrument as renamed_to,
    loaded_at
from core.ticker
window of_instrument as (partition by instrument_id order by core.ticker.valid_from);
comment on view published.ticker is
'One row per ticker and period in which it named one instrument. A renamed instrument has a row per symbol, a reused symbol one per company.';
comment on column published.ticker.valid_from is 'First session on which it names the instrument. NULL: it has done so since before the first stored row.';
comment on column published.ticker.valid_to is 'The session from which it no longer does. NULL: it still does.';
comment on column published.ticker.renamed_from is 'The same instrument''s symbol before this one. NULL: none is known.';
comment on column published.ticker.renamed_to is 'The same instrument''s next symbol. NULL: it has none yet.';

create or replace function as_of.ticker(at timestamptz)
returns setof published.ticker language sql stable parallel safe as $$
    select
        ticker, nullif(valid_from, '-infinity'), nullif(valid_to, 'infinity'),
        lag(ticker) over of_instrument,
        lead(ticker) over of_instrument,
        loaded_at
    from as_of.ticker_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
    window of_instrument as (partition by instrument_id order by version.valid_from)
$$;
comment on function as_of.ticker is 'published.ticker as stored at the instant.';
