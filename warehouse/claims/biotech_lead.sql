-- statement: Biotech companies led the rotation.
-- said: market commentary, early 2026
-- measure: price return of XBI from 31 December 2025 to 13 February 2026 less that of IWM; second witness:
--   less that of SPY
-- unit: percentage points
-- supported if: XBI did better than IWM
-- contradicted if: it did not
with change as (
    select
        ticker,
        100 * (
            max(close_split_adjusted) filter (where session_date = '2026-02-13')
            / max(close_split_adjusted) filter (where session_date = '2025-12-31') - 1
        ) as return_pct
    from published.daily_price
    where ticker in ('XBI', 'IWM', 'SPY') and session_date in ('2025-12-31', '2026-02-13')
    group by ticker
)
select
    'XBI against ' || other.ticker as witness, own.return_pct - against.return_pct as measured,
    own.return_pct > against.return_pct as is_met,
    case
        when own.return_pct - against.return_pct is null
            then format('XBI or %s lacks a close of 2025-12-31 or 2026-02-13.', other.ticker)
        else format(
            'XBI moved %s %%, %s %s %%.', round(own.return_pct::numeric, 1), other.ticker,
            round(against.return_pct::numeric, 1)
        )
    end as reason,
    case when own.return_pct - against.return_pct is not null then date '2026-02-13' end as as_of_date
from (values (1, 'IWM'), (2, 'SPY')) as other (priority, ticker)
left join change as own on own.ticker = 'XBI'
left join change as against on against.ticker = other.ticker
order by other.priority;
