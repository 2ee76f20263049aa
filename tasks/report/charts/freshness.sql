-- title: Freshness
-- question: Is any dataset late?
-- source: published.freshness
-- empty: No dataset is followed yet.
-- order: 110
select dataset, item, latest_date, next_due_at::date as due_date, is_late as late, reason
from published.freshness
order by is_late desc, dataset, item;
