-- title: Quarantined rows
-- question: Which rules did rows break?
-- source: audit.quarantine
-- order: 130
select
    split_part(table_name, '.', 2) as dataset, rule, count(*)::integer as row_count,
    max(quarantined_at)::date as newest
from audit.quarantine
group by table_name, rule
order by row_count desc, dataset, rule;
