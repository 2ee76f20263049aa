-- title: Restated values
-- question: Which stored values were changed later by their source?
-- source: published.restatement
-- empty: No stored value was changed later.
-- order: 140
select
    table_name as dataset, column_name as changed_column, count(*)::integer as changed_values,
    max(coalesce(clock_at, superseded_at))::date as newest_date
from published.restatement
left join audit.run using (run_id)
group by table_name, column_name
order by changed_values desc, dataset, changed_column
limit 40;
