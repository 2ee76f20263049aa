-- title: Missing data
-- question: What was expected and is not there, and why?
-- source: published.coverage_gap, last 30 sessions
-- order: 120
select dataset, missing_reason, count(*)::integer as missing
from published.coverage_gap
where session_date > (select max(session_date) from published.daily_price) - 45
group by dataset, missing_reason
order by missing desc, dataset, missing_reason;
