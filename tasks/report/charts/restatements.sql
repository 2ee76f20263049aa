-- title: Restated values
-- question: Which stored values were changed later by their source?
-- source: published.restatement
-- order: 140
select
    table_name, column_name, count(*)::integer as changed_values, max(superseded_at)::date as newest
from published.restatement
group by table_name, column_name
order by changed_values desc, table_name, column_name
limit 40;
