-- Every version of every row, held and superseded. Views run with their owner's rights, so the
-- reader sees versions without seeing core; the functions beside them are plain SQL that the
-- planner merges into the query, so a filter on a ticker reaches the tables' keys.
create or replace view as_of.daily_price_version as
select
    ticker.ticker, bar.session_date, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.source,
    bar.loaded_at, bar.superseded_at, bar.run_id, bar.superseded_by, bar.instrument_id
from (
    select
        instrument_id, session_date, open, high, low, close, volume, source, loaded_at, run_id,
        'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
    from core.daily_price
    union all
    select
        instrument_id, session_date, open, high, low, close, volume, source, loaded_at, run_id,
        superseded_at, superseded_by
    from history.daily_price
) as bar
join core.ticker as ticker
    on ticker.instrument_id = bar.instrument_id
    and ticker.valid_from <= bar.session_date and bar.session_date < ticker.valid_to;
comment on view as_of.daily_price_version is 'Every version of every bar: held from loaded_at until superseded_at.';

create or replace view as_of.corporate_action_version as
select
    ticker.ticker, action.ex_date, action.kind, action.value, action.source,
    action.loaded_at, action.superseded_at, action.run_id, action.superseded_by,
    action.instrument_id
from (
    select
        instrument_id, ex_date, kind, value, source, loaded_at, run_id,
        'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
    from core.corporate_action
    union all
    select
        instrument_id, ex_date, kind, value, source, loaded_at, run_id,
        superseded_at, superseded_by
    from history.corporate_action
) as action
join core.ticker as ticker
    on ticker.instrument_id = action.instrument_id
    and ticker.valid_from <= action.ex_date and action.ex_date < ticker.valid_to;
comment on view as_of.corporate_action_version is 'Every version of every action: held from loaded_at until superseded_at.';

create or replace view as_of.macro_observation_version as
select
    series_id, observation_date, vintage_date, value, missing_reason, source,
    loaded_at, 'infinity'::timestamptz as superseded_at, run_id, null::bigint as superseded_by
from core.macro_observation
union all
select
    series_id, observation_date, vintage_date, value, missing_reason, source,
    loaded_at, superseded_at, run_id, superseded_by
from history.macro_observation;
comment on view as_of.macro_observation_version is 'Every version of every vintage as loaded: held from loaded_at until superseded_at. FRED''s own revisions are vintages, not versions.';

create or replace view as_of.index_membership_version as
select
    index_code, ticker, name, sector, weight_pct, weight_pct_filed, shares, market_value_usd,
    price_usd, exchange, fund, as_of_date, known_from, source,
    loaded_at, 'infinity'::timestamptz as superseded_at, run_id, null::bigint as superseded_by,
    instrument_id
from core.index_membership
union all
select
    index_code, ticker, name, sector, weight_pct, weight_pct_filed, shares, market_value_usd,
    price_usd, exchange, fund, as_of_date, known_from, source,
    loaded_at, superseded_at, run_id, superseded_by, instrument_id
from history.index_membership;
comment on view as_of.index_membership_version is 'Every version of every member row: held from loaded_at until superseded_at.';

create or replace view as_of.rotation_metrics_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.rotation_metrics as held
union all
select * from history.rotation_metrics;
comment on view as_of.rotation_metrics_version is 'Every version of every row of rotation_metrics: held from loaded_at until superseded_at.';

create or replace view as_of.index_concentration_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.index_concentration as held
union all
select * from history.index_concentration;
comment on view as_of.index_concentration_version is 'Every version of every row of index_concentration: held from loaded_at until superseded_at.';

create or replace view as_of.sector_breadth_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.sector_breadth as held
union all
select * from history.sector_breadth;
comment on view as_of.sector_breadth_version is 'Every version of every row of sector_breadth: held from loaded_at until superseded_at.';
