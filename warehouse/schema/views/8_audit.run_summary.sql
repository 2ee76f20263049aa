-- Each run in numbers, one row per table.
create or replace view audit.run_summary as
with request as (
    select
        run_id, count(*) as items_fetched, count(*) filter (where status <> 'loaded') as items_without_data
    from audit.fetch group by run_id
),
written as (
    select
        run_id, split_part(table_name, '.', 2) as table_name, sum(rows_new) as rows_new,
        sum(rows_changed) as rows_changed, sum(rows_same) as rows_same,
        sum(rows_removed) as rows_removed
    from audit.load group by run_id, table_name
),
quarantined as (
    select first_run_id as run_id, table_name, count(distinct key) as rows_quarantined
    from audit.quarantine group by first_run_id, table_name
),
checked as (
    select run_id, table_name, count(*) filter (where not success) as failed_checks
    from audit.validation group by run_id, table_name
),
touched as (
    select run_id, table_name from written
    union
    select run_id, table_name from quarantined
    union
    select run_id, table_name from checked
)
select
    run.run_id, run.flow, touched.table_name, run.state, run.started_at,
    extract(epoch from run.ended_at - run.started_at)::double precision as duration_seconds,
    request.items_fetched, request.items_without_data,
    coalesce(written.rows_new, 0)::bigint as rows_new,
    coalesce(written.rows_changed, 0)::bigint as rows_changed,
    coalesce(written.rows_same, 0)::bigint as rows_same,
    coalesce(written.rows_removed, 0)::bigint as rows_removed,
    coalesce(written.rows_changed + written.rows_removed, 0)::bigint as rows_restated,
    coalesce(quarantined.rows_quarantined, 0) as rows_quarantined,
    coalesce(checked.failed_checks, 0) as failed_checks
from audit.run as run
left join touched using (run_id)
left join request using (run_id)
left join written using (run_id, table_name)
left join quarantined using (run_id, table_name)
left join checked using (run_id, table_name);
comment on view audit.run_summary is 'One row per run and table that it wrote, or one without a table: duration, items requested, and counts of rows.';
comment on column audit.run_summary.run_id is 'The run: audit.run.';
comment on column audit.run_summary.flow is 'Its flow.';
comment on column audit.run_summary.table_name is 'The table, by its published name; NULL where the run wrote none.';
comment on column audit.run_summary.state is 'Its state: audit.run.';
comment on column audit.run_summary.started_at is 'When it started.';
comment on column audit.run_summary.duration_seconds is 'Seconds from start to end, the same for all of its tables. NULL: it runs, or its end is not known.';
comment on column audit.run_summary.items_fetched is 'Tickers, series, funds or companies requested, the same for all of its tables. NULL: it requested nothing.';
comment on column audit.run_summary.items_without_data is 'Those among them whose status is not loaded.';
comment on column audit.run_summary.rows_new is 'Rows whose key was not stored.';
comment on column audit.run_summary.rows_changed is 'Rows that replaced a differing one.';
comment on column audit.run_summary.rows_same is 'Rows that were stored already.';
comment on column audit.run_summary.rows_removed is 'Rows withdrawn.';
comment on column audit.run_summary.rows_restated is 'Rows that went to history: changed and withdrawn. published.restatement has their values.';
comment on column audit.run_summary.rows_quarantined is 'Keys quarantined that no earlier run had quarantined.';
comment on column audit.run_summary.failed_checks is 'Rules that failed, counted per batch.';
