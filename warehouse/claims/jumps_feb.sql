-- statement: KEY, WAL and VKTX jumped in the week of 9 to 13 February 2026.
-- said: market commentary, February 2026
-- measure: smallest of the three price returns of the week; the reason names each, and less IWM's
-- unit: percent
-- supported if: each rose by 5 % or more, and by more than IWM
-- contradicted if: one did not
with change as (
    select
        ticker,
        100 * (
            max(close_split_adjusted) filter (where session_date = '2026-02-13')
            / max(close_split_adjusted) filter (where session_date = '2026-02-06') - 1
        ) as return_pct
    from published.daily_price
    where ticker in ('KEY', 'WAL', 'VKTX', 'IWM') and session_date in ('2026-02-06', '2026-02-13')
    group by ticker
),
compared as (
    select
        named.ticker, change.return_pct, change.return_pct - iwm.return_pct as excess_pct
    from (values ('KEY'), ('WAL'), ('VKTX')) as named (ticker)
    left join change on change.ticker = named.ticker
    left join change as iwm on iwm.ticker = 'IWM'
)
select
    'KEY, WAL, VKTX' as witness,
    case when count(excess_pct) = 3 then min(return_pct) end as measured,
    case when count(excess_pct) = 3 then min(return_pct) >= 5 and min(excess_pct) > 0 end as is_met,
    string_agg(
        case
            when excess_pct is null then ticker || ' or IWM lacks a close of 2026-02-06 or 2026-02-13'
            else format(
                '%s %s %% (%s points more than IWM)', ticker, round(return_pct::numeric, 1),
                round(excess_pct::numeric, 1)
            )
        end, ', ' order by ticker
    ) || '.' as reason,
    case when count(excess_pct) = 3 then date '2026-02-13' end as as_of_date
from compared;
