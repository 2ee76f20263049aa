-- title: Quarantined rows
-- question: Which rules did rows break?
-- source: audit.quarantine
-- order: 130
select
    table_name as dataset, rule, max(reason) as reason, count(*)::integer as row_count,
    max(quarantined_at)::date as newest_date
from audit.quarantine
group by table_name, rule
order by row_count desc, dataset, rule;
