-- How did IWM/SPY react to CPI releases, on the day and over the week after?
-- A reaction below about two standard errors is no evidence. Surprises need a consensus forecast
-- in warehouse/reference/consensus.csv.
select
    release_date, event_window, value_pct, previous_pct, surprise_pct,
    round((100 * abnormal_return)::numeric, 2) as abnormal_return_pct,
    round(t_statistic::numeric, 2) as t_statistic, missing_reason
from published.release_reaction
where release = 'cpi' and subject = 'IWM/SPY'
order by release_date desc, event_window
limit 24;
