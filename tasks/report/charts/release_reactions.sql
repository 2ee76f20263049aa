-- title: Reactions to releases
-- question: How did prices move on CPI releases and policy changes, beyond what the market explains?
--   ✕: not known, with the reason in the data.
-- source: Yahoo prices and FRED, by published.release_reaction, newest 36 releases of each kind;
--   bars: 95 % interval of the market model
-- empty: No reactions are known: they need releases and prices around them.
-- order: 85
with newest as (
    select release, release_date, dense_rank() over (
        partition by release order by release_date desc
    ) as place
    from (select distinct release, release_date from published.release_reaction) as each_release
)
select
    case release when 'cpi' then 'CPI' else 'policy rate' end as release, subject,
    case event_window when 'day_0' then 'first session' else 'day before to 5 days after' end
        as event_window, release_date, event_session as session_date,
    round((100 * total_return)::numeric, 2)::double precision as return_pct,
    round((100 * abnormal_return)::numeric, 2)::double precision as abnormal_pct,
    round((100 * (abnormal_return - 1.96 * standard_error))::numeric, 2)::double precision as low_pct,
    round((100 * (abnormal_return + 1.96 * standard_error))::numeric, 2)::double precision as high_pct,
    round(value_pct::numeric, 2)::double precision as value_pct,
    round(previous_pct::numeric, 2)::double precision as previous_pct,
    round(surprise_pct::numeric, 2)::double precision as surprise_pct, missing_reason
from published.release_reaction
join newest using (release, release_date)
where place <= 36
order by 1, 2, 3, 4;
