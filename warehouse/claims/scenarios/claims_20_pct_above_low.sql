-- scenario: bear_hard_landing
-- condition: Initial claims, mean of four weeks, are 20 % above their low of 52 weeks.
-- series: ICSA, by macro_regime
-- threshold: at least 20 % above the low
-- unit: percent above the low
with session as (
    select
        session_date, claims_4wk_avg, (row_number() over (order by session_date) - 1) / 252 as block,
        count(claims_4wk_avg) over (
            order by session_date rows between 251 preceding and current row
        ) as known
    from published.macro_regime
),
-- The low of a window is the lower of two: to the end of the block in which it begins, and from the
-- beginning of the block in which it ends. One minimum per window takes 252 times as long.
low as (
    select
        *, min(claims_4wk_avg) over (partition by block order by session_date) as low_since_block,
        min(claims_4wk_avg) over (partition by block order by session_date desc) as low_until_block
    from session
),
compared as (
    select
        *, 100 * (
            claims_4wk_avg / least(
                low_since_block, lag(low_until_block, 251) over (order by session_date)
            ) - 1
        ) as above_low_pct
    from low
)
select
    session_date as day, above_low_pct as value,
    case when known >= 240 then round(above_low_pct::numeric, 6) >= 20 end as is_met
from compared
order by session_date;
