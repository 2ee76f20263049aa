-- What "the newest fetch" of an item means, in one place: plans, backfills and views read it here.
create or replace view audit.fetch_result as
select
    request.fetch_id, request.dataset, request.item, request.window_start, request.window_end, request.status,
    request.reason, request.attempts, request.run_id, request.finished_at,
    coalesce(run.clock_at, request.finished_at) as fetched_at,
    request.status not in ('throttled', 'outage', 'refused') as has_succeeded
from audit.fetch as request
-- left, so that a query that does not need the time reads no runs
left join audit.run as run using (run_id);
comment on view audit.fetch_result is 'One row per fetch: when it counts as made, and whether the provider said what it has.';
comment on column audit.fetch_result.fetched_at is 'The run''s logical time; of a run without one, the time at which the fetch ended.';
comment on column audit.fetch_result.has_succeeded is 'Whether the provider said what it has, be it nothing. False: throttled, outage, refused.';

create or replace view audit.latest_fetch as
select distinct on (dataset, item)
    dataset, item, fetch_id, window_start, window_end, status, reason, run_id, finished_at, fetched_at,
    bool_or(has_succeeded) over of_item as has_ever_succeeded,
    bool_or(status = 'loaded') over of_item as has_ever_loaded,
    min(window_start) filter (where has_succeeded) over of_item as first_succeeded_date,
    max(window_end) filter (where has_succeeded) over of_item as last_succeeded_date
from audit.fetch_result
window of_item as (
    partition by dataset, item order by finished_at desc, fetch_id desc
    rows between unbounded preceding and unbounded following
)
order by dataset, item, finished_at desc, fetch_id desc;
comment on view audit.latest_fetch is 'One row per dataset and item: its newest fetch of any status, and what all its fetches have returned. Filter on dataset, and on item where it is known: both reach the index.';
comment on column audit.latest_fetch.has_ever_succeeded is 'Whether any fetch of the item succeeded: see fetch_result.';
comment on column audit.latest_fetch.has_ever_loaded is 'Whether any fetch of the item has the status loaded.';
comment on column audit.latest_fetch.first_succeeded_date is 'The earliest first day of the windows that succeeded. NULL: none did, or none had one.';
comment on column audit.latest_fetch.last_succeeded_date is 'The latest last day of the windows that succeeded. NULL: none did, or none had one.';

create or replace function audit.latest_fetch(
    of_dataset text, of_item text, covered_date date default null, reached_date date default null
)
returns setof audit.fetch_result language sql stable parallel safe rows 1 as $$
    select *
    from audit.fetch_result
    where dataset = of_dataset and item = of_item
        and (covered_date is null or covered_date between window_start and window_end)
        and (reached_date is null or window_start is null or window_start <= reached_date)
    order by finished_at desc, fetch_id desc
    limit 1
$$;
comment on function audit.latest_fetch is 'The newest fetch of an item whose window has the covered date in it, and begins by the reached date or has no first day. A date that is NULL asks for nothing.';
