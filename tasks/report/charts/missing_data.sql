-- title: Missing data
-- question: What was expected and is not there, and why? All datasets, last 45 days.
-- source: published.coverage_gap
-- empty: Nothing that was expected is missing.
-- order: 120
select
    dataset, missing_reason as reason, count(*)::integer as row_count,
    count(distinct item)::integer as items, max(session_date) as newest_date
from published.coverage_gap
where session_date > (select max(clock_at)::date - 45 from audit.run)
group by dataset, missing_reason
order by row_count desc, dataset, missing_reason;
