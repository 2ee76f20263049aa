-- The counts of breadth by window functions: what the derivation is measured against.
-- Prices as traded: the bench's universe has no splits. :instruments limits it to a share.
with bar as (
    select
        instrument_id, session_date, close, volume,
        lag(close) over own as before,
        close * 20 > sum(close) over (own rows 19 preceding) as is_above_20,
        close * 50 > sum(close) over (own rows 49 preceding) as is_above_50,
        close * 200 > sum(close) over (own rows 199 preceding) as is_above_200,
        close = max(close) over (own rows 251 preceding) as is_high,
        close = min(close) over (own rows 251 preceding) as is_low,
        row_number() over own as closes
    from core.daily_price
    where instrument_id <= %(instruments)s
    window own as (partition by instrument_id order by session_date)
),
dated as (
    select
        known_from, as_of_date,
        coalesce(lead(known_from) over (order by known_from), 'infinity') as known_until
    from (
        select distinct known_from, as_of_date from core.index_membership
        where index_code = 'R2000'
    ) as snapshot
)
select
    member.sector, bar.session_date, count(*) as members, count(bar.before) as priced,
    count(*) filter (where bar.close > bar.before) as advancers,
    count(*) filter (where bar.close < bar.before) as decliners,
    sum(bar.volume) filter (where bar.close > bar.before) as advancing_volume,
    sum(bar.volume) filter (where bar.close < bar.before) as declining_volume,
    count(*) filter (where bar.is_above_20 and bar.closes >= 20) as above_20,
    count(*) filter (where bar.is_above_50 and bar.closes >= 50) as above_50,
    count(*) filter (where bar.is_above_200 and bar.closes >= 200) as above_200,
    count(*) filter (where bar.is_high and bar.closes >= 252) as new_highs_252,
    count(*) filter (where bar.is_low and bar.closes >= 252) as new_lows_252,
    avg(bar.close / bar.before - 1) as equal_weight_return,
    sum(member.weight_pct * (bar.close / bar.before - 1)) / sum(member.weight_pct)
        filter (where bar.before is not null) as cap_weight_return
from bar
join dated on dated.known_from <= bar.session_date and bar.session_date < dated.known_until
join core.index_membership as member
    on member.index_code = 'R2000' and member.as_of_date = dated.as_of_date
    and member.instrument_id = bar.instrument_id
group by grouping sets ((member.sector, bar.session_date), (bar.session_date))
