-- statement: The Russell 2000 rose 18 % in the week of 9 to 13 February 2026, its best week in decades.
-- said: market commentary, February 2026
-- measure: price return of IWM from the last close of the week before to the last close of the week, and
--   its rank among all weeks since the series begins; second witness: ^RUT
-- unit: percent
-- supported if: the return rounds to 18 % or more
-- contradicted if: it rounds to less
with weekly as (
    select
        ticker, date_trunc('week', session_date)::date as week,
        max(session_date) as last_session,
        (array_agg(close_split_adjusted order by session_date desc))[1] as close
    from published.daily_price
    where ticker in ('IWM', '^RUT')
    group by ticker, date_trunc('week', session_date)
),
change as (
    select
        *,
        case when lag(week) over weeks = week - 7
            then 100 * (close / lag(close) over weeks - 1) end as return_pct
    from weekly
    window weeks as (partition by ticker order by week)
),
ranked as (
    select
        *, rank() over (partition by ticker order by return_pct desc nulls last) as place,
        count(return_pct) over (partition by ticker) as weeks,
        min(week) over (partition by ticker) as first_week
    from change
)
select
    witness.ticker as witness, ranked.return_pct as measured,
    round(ranked.return_pct) >= 18 as is_met,
    case
        when ranked.return_pct is not null then format(
            '%s moved %s %% in the week to 2026-02-13, rank %s of %s weeks since %s.',
            witness.ticker, round(ranked.return_pct::numeric, 2), ranked.place, ranked.weeks,
            ranked.first_week
        )
        else format(
            '%s has no close of 2026-02-13 and of the week before; the newest close is of %s.',
            witness.ticker,
            coalesce((select max(last_session)::text from weekly where ticker = witness.ticker), 'no day')
        )
    end as reason,
    ranked.last_session as as_of_date
from (values (1, 'IWM'), (2, '^RUT')) as witness (priority, ticker)
left join ranked on ranked.ticker = witness.ticker
    and ranked.last_session = '2026-02-13' and ranked.return_pct is not null
order by witness.priority;
