-- title: Scenarios to watch
-- question: Which conditions of the bull and bear cases are met, and since when?
-- source: published.scenario_monitor
-- empty: No condition was judged yet.
-- order: 100
select
    replace(regexp_replace(scenario, '_', ': '), '_', ' ') as scenario, description as condition,
    case when is_met then 'met' when not is_met then 'not met' else 'not known' end as status,
    round(newest_value::numeric, 2)::double precision as newest_value, unit, met_since, last_met,
    days_met, as_of_date, first_met, series, threshold, evidence_query
from published.scenario_monitor
order by scenario desc, description;
