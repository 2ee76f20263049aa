-- How did small caps fare against large caps in each phase of monetary policy?
-- Each row covers the sessions of one phase; the return is the sum of daily excess returns.
select
    policy_phase, count(*) as sessions, min(session_date) as first_session,
    max(session_date) as last_session,
    round((100 * sum(excess_total_return_1))::numeric, 1) as sum_of_excess_returns_pct,
    round(100.0 * avg((excess_total_return_1 > 0)::integer), 1) as sessions_ahead_pct
from published.rotation_metrics
join published.macro_regime using (session_date)
where pair = 'IWM/SPY'
group by policy_phase
order by min(session_date);
