-- A superseded row against the one that took its place: one row per column that differs.
create or replace view published.restatement as
with version as (
    select
        'daily_price' as table_name,
        jsonb_build_object('ticker', ticker, 'session_date', session_date) as key,
        to_jsonb(row_of) - '{ticker,session_date,instrument_id,loaded_at,superseded_at,run_id,superseded_by}'::text[] as body,
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.daily_price_version as row_of
    where exists (
        select from history.daily_price as past
        where past.instrument_id = row_of.instrument_id and past.session_date = row_of.session_date
    )
    union all
    select
        'corporate_action',
        jsonb_build_object('ticker', ticker, 'ex_date', ex_date, 'kind', kind),
        to_jsonb(row_of) - '{ticker,ex_date,kind,instrument_id,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.corporate_action_version as row_of
    where exists (
        select from history.corporate_action as past
        where past.instrument_id = row_of.instrument_id and past.ex_date = row_of.ex_date
    )
    union all
    select
        'macro_observation',
        jsonb_build_object('series_id', series_id, 'observation_date', observation_date, 'vintage_date', vintage_date),
        to_jsonb(row_of) - '{series_id,observation_date,vintage_date,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.macro_observation_version as row_of
    where exists (
        select from history.macro_observation as past
        where past.series_id = row_of.series_id and past.observation_date = row_of.observation_date
            and past.vintage_date = row_of.vintage_date
    )
    union all
    select
        'index_membership',
        jsonb_build_object('index_code', index_code, 'ticker', ticker, 'as_of_date', as_of_date),
        to_jsonb(row_of) - '{index_code,ticker,as_of_date,instrument_id,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.index_membership_version as row_of
    where exists (
        select from history.index_membership as past
        -- by ticker: a row that was given another instrument is the same row to its readers
        where past.index_code = row_of.index_code and past.ticker = row_of.ticker
            and past.as_of_date = row_of.as_of_date
    )
    union all
    select
        'company_ticker',
        jsonb_build_object('ticker', ticker, 'known_from', known_from),
        to_jsonb(row_of) - '{ticker,known_from,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.company_ticker_version as row_of
    where exists (
        select from history.company_ticker as past
        where past.ticker = row_of.ticker and past.known_from = row_of.known_from
    )
    union all
    select
        'company',
        jsonb_build_object('cik', cik),
        to_jsonb(row_of) - '{cik,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.company_version as row_of
    where exists (
        select from history.company as past
        where past.cik = row_of.cik
    )
    union all
    select
        'company_fact',
        jsonb_build_object(
            'cik', cik, 'tag', tag, 'unit', unit,
            'period_start', period_start, 'period_end', period_end, 'accession_number', accession_number
        ),
        to_jsonb(row_of) - '{cik,tag,unit,period_start,period_end,accession_number,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.company_fact_version as row_of
    where exists (
        select from history.company_fact as past
        where past.cik = row_of.cik and past.tag = row_of.tag and past.unit = row_of.unit
            and past.period_start = row_of.period_start and past.period_end = row_of.period_end and past.accession_number = row_of.accession_number
    )
    union all
    select
        'rotation_metrics',
        jsonb_build_object('pair', pair, 'session_date', session_date),
        to_jsonb(row_of) - '{pair,session_date,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.rotation_metrics_version as row_of
    where exists (
        select from history.rotation_metrics as past
        where past.pair = row_of.pair and past.session_date = row_of.session_date
    )
    union all
    select
        'index_concentration',
        jsonb_build_object('index_code', index_code, 'as_of_date', as_of_date),
        to_jsonb(row_of) - '{index_code,as_of_date,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.index_concentration_version as row_of
    where exists (
        select from history.index_concentration as past
        where past.index_code = row_of.index_code and past.as_of_date = row_of.as_of_date
    )
    union all
    select
        'sector_breadth',
        jsonb_build_object('index_code', index_code, 'sector', sector, 'session_date', session_date),
        to_jsonb(row_of) - '{index_code,sector,session_date,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.sector_breadth_version as row_of
    where exists (
        select from history.sector_breadth as past
        where past.index_code = row_of.index_code and past.sector = row_of.sector
            and past.session_date = row_of.session_date
    )
    union all
    select
        'debt_maturity',
        jsonb_build_object('cik', cik, 'period_end', period_end, 'bucket', bucket, 'accession_number', accession_number),
        to_jsonb(row_of) - '{cik,period_end,bucket,accession_number,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.debt_maturity_version as row_of
    where exists (
        select from history.debt_maturity as past
        where past.cik = row_of.cik
            and past.period_end = row_of.period_end
            and past.bucket = row_of.bucket
            and past.accession_number = row_of.accession_number
    )
    union all
    select
        'company_refinancing',
        jsonb_build_object('cik', cik, 'as_of_date', as_of_date),
        to_jsonb(row_of) - '{cik,as_of_date,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.company_refinancing_version as row_of
    where exists (
        select from history.company_refinancing as past
        where past.cik = row_of.cik
            and past.as_of_date = row_of.as_of_date
    )
    union all
    select
        'refinancing_wall',
        jsonb_build_object('index_code', index_code, 'sector', sector, 'as_of_date', as_of_date, 'due_year', due_year),
        to_jsonb(row_of) - '{index_code,sector,as_of_date,due_year,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.refinancing_wall_version as row_of
    where exists (
        select from history.refinancing_wall as past
        where past.index_code = row_of.index_code
            and past.sector = row_of.sector
            and past.as_of_date = row_of.as_of_date
            and past.due_year = row_of.due_year
    )
    union all
    select
        'rate_shock',
        jsonb_build_object('index_code', index_code, 'sector', sector, 'as_of_date', as_of_date, 'shock_bp', shock_bp),
        to_jsonb(row_of) - '{index_code,sector,as_of_date,shock_bp,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.rate_shock_version as row_of
    where exists (
        select from history.rate_shock as past
        where past.index_code = row_of.index_code
            and past.sector = row_of.sector
            and past.as_of_date = row_of.as_of_date
            and past.shock_bp = row_of.shock_bp
    )
    union all
    select
        'zombie_status',
        jsonb_build_object('cik', cik, 'as_of_date', as_of_date, 'definition', definition),
        to_jsonb(row_of) - '{cik,as_of_date,definition,loaded_at,superseded_at,run_id,superseded_by}'::text[],
        loaded_at, superseded_at, run_id, superseded_by
    from as_of.zombie_status_version as row_of
    where exists (
        select from history.zombie_status as past
        where past.cik = row_of.cik
            and past.as_of_date = row_of.as_of_date
            and past.definition = row_of.definition
    )
)
select
    past.table_name, past.key, field.key as column_name, field.value as old_value,
    newer.body ->> field.key as new_value, past.superseded_at, past.superseded_by as run_id
from version as past
left join version as newer
    on newer.table_name = past.table_name and newer.key = past.key
    and newer.loaded_at = past.superseded_at
cross join lateral jsonb_each_text(past.body) as field
where past.superseded_at < 'infinity'
    and field.value is distinct from newer.body ->> field.key;
comment on view published.restatement is
'One row per superseded value: what the warehouse held, what took its place, when and by which run. new_value is NULL where the whole row was withdrawn or the value became unknown.';
comment on column published.restatement.table_name is 'The table, by its published name.';
comment on column published.restatement.key is 'The row''s key.';
comment on column published.restatement.column_name is 'The column that differs.';
comment on column published.restatement.old_value is 'What was held.';
comment on column published.restatement.new_value is 'What took its place.';
comment on column published.restatement.run_id is 'The run that brought the newer value: audit.run.';
