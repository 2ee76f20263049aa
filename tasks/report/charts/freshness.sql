-- title: Freshness
-- question: Is any dataset late?
-- source: published.freshness
-- order: 110
select dataset, item, latest_date, next_due_at::date as next_due, is_late, reason
from published.freshness
order by is_late desc, dataset, item;
