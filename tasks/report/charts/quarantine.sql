-- title: Quarantined rows
-- question: Which rules did rows break?
-- source: audit.quarantine
-- empty: No row broke a rule.
-- order: 130
select
    table_name as dataset, rule, max(reason) as reason, count(*)::integer as row_count,
    max(coalesce(clock_at, quarantined_at))::date as newest_date
from audit.quarantine
join audit.run on run_id = first_run_id
group by table_name, rule
order by row_count desc, dataset, rule;
