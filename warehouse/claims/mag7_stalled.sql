-- statement: The seven largest technology companies have stalled since late 2025.
-- said: market commentary, early 2026
-- measure: equal-weighted price return of the seven from 31 October 2025 to 13 February 2026; second
--   witness: weighted by their weight in the S&P 500 before the window
-- unit: percent
-- supported if: the return is at most 2 % and below that of IWM
-- contradicted if: it is above 2 %, or IWM did not do better
with price as (
    select
        ticker,
        max(close_split_adjusted) filter (where session_date = '2025-10-31') as first_close,
        max(close_split_adjusted) filter (where session_date = '2026-02-13') as last_close
    from published.daily_price
    where session_date in ('2025-10-31', '2026-02-13') and ticker in (
        'AAPL', 'AMZN', 'GOOGL', 'META', 'MSFT', 'NVDA', 'TSLA', 'IWM'
    )
    group by ticker
),
change as (
    select price.ticker, 100 * (last_close / first_close - 1) as return_pct, member.weight_pct
    from price
    left join published.index_membership as member
        on member.ticker = price.ticker and member.index_code = 'SP500' and member.as_of_date = (
            select max(as_of_date) from published.index_membership
            where index_code = 'SP500' and known_from <= '2025-10-31'
        )
),
result as (
    select
        count(return_pct) filter (where ticker <> 'IWM') as companies,
        max(return_pct) filter (where ticker = 'IWM') as iwm_pct,
        avg(return_pct) filter (where ticker <> 'IWM') as equal_pct,
        sum(return_pct * weight_pct) filter (where ticker <> 'IWM')
            / nullif(sum(weight_pct) filter (where ticker <> 'IWM'), 0) as weighted_pct,
        count(weight_pct) filter (where ticker <> 'IWM') as weights
    from change
)
select
    witness.name as witness, witness.pct as measured,
    case when companies = 7 then witness.pct <= 2 and witness.pct < iwm_pct end as is_met,
    case
        when companies = 7 and iwm_pct is not null and witness.pct is null
            then 'No holdings of the S&P 500 known by 2025-10-31 have all of the seven.'
        when witness.pct is null or iwm_pct is null or companies < 7 then format(
            'Closes of 2025-10-31 and 2026-02-13 are there for %s of the seven%s.', companies,
            case when iwm_pct is null then ', not for IWM' else '' end
        )
        else format(
            'The seven moved %s %%, IWM %s %%.', round(witness.pct::numeric, 1),
            round(iwm_pct::numeric, 1)
        )
    end as reason,
    case when witness.pct is not null and companies = 7 then date '2026-02-13' end as as_of_date
from result
cross join lateral (
    values
        (1, 'the seven, equal weights', case when companies = 7 then equal_pct end),
        (2, 'the seven, index weights', case when companies = 7 and weights = 7 then weighted_pct end)
) as witness (priority, name, pct)
order by witness.priority;
