-- statement: The Russell 2000 was flat in January 2026.
-- said: market commentary, February 2026
-- measure: price return of IWM from the last close of December 2025 to the last close of January 2026;
--   second witness: ^RUT
-- unit: percent
-- supported if: the return is between -1 % and 1 %
-- contradicted if: it is not
with month_end as (
    select
        ticker, max(session_date) as newest,
        max(session_date) filter (where session_date <= '2025-12-31') as december,
        max(session_date) filter (where session_date <= '2026-01-30') as january
    from published.daily_price
    where ticker in ('IWM', '^RUT')
    group by ticker
),
change as (
    select
        month_end.*,
        100 * (later.close_split_adjusted / earlier.close_split_adjusted - 1) as return_pct
    from month_end
    left join published.daily_price as earlier
        on earlier.ticker = month_end.ticker and earlier.session_date = month_end.december
        and month_end.december = '2025-12-31'
    left join published.daily_price as later
        on later.ticker = month_end.ticker and later.session_date = month_end.january
        and month_end.january = '2026-01-30'
)
select
    witness.ticker as witness, return_pct as measured, abs(return_pct) <= 1 as is_met,
    case
        when return_pct is not null
            then format(
                '%s moved %s %% in January 2026.', witness.ticker, round(return_pct::numeric, 2)
            )
        else format(
            '%s lacks a close of 2025-12-31 or 2026-01-30; the newest is of %s.', witness.ticker,
            coalesce(newest::text, 'no day')
        )
    end as reason,
    case when return_pct is not null then january end as as_of_date
from (values (1, 'IWM'), (2, '^RUT')) as witness (priority, ticker)
left join change on change.ticker = witness.ticker
order by witness.priority;
