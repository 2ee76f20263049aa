-- scenario: bear_hard_landing
-- condition: Initial claims, mean of four weeks, are 20 % above their low of 52 weeks.
-- series: ICSA, by macro_regime
-- threshold: at least 20 % above the low
-- unit: percent above the low
with claims as (
    select
        session_date,
        100 * (claims_4wk_avg / min(claims_4wk_avg) over sessions - 1) as above_low_pct,
        count(claims_4wk_avg) over sessions as sessions
    from published.macro_regime
    window sessions as (order by session_date rows between 251 preceding and current row)
)
select
    session_date as day, above_low_pct as value,
    case when sessions >= 240 then above_low_pct >= 20 end as is_met
from claims
order by session_date;
