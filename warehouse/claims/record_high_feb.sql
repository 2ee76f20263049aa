-- statement: The Russell 2000 passed its all-time high by 12 February 2026.
-- said: market commentary, February 2026
-- measure: highest close of IWM from 2 January to 12 February 2026 against its highest close before 2026;
--   second witness: ^RUT; the evidence also shows IWM with dividends
-- unit: percent above the earlier high
-- supported if: the highest close of the window is above every close before 2026
-- contradicted if: it is not
with extreme as (
    select
        witness.priority, witness.name,
        max(price.session_date) filter (where price.session_date <= '2026-02-12') as last_session,
        max(price.session_date) as newest,
        max(witness.close) filter (where price.session_date < '2026-01-01') as before,
        max(witness.close) filter (
            where price.session_date between '2026-01-01' and '2026-02-12'
        ) as within
    from published.daily_price as price
    cross join lateral (
        values
            (1, price.ticker || ' price', price.close_split_adjusted),
            (2, price.ticker || ' total return', price.close_total_return)
    ) as witness (priority, name, close)
    where price.ticker in ('IWM', '^RUT') and (price.ticker = 'IWM' or witness.priority = 1)
    group by witness.priority, witness.name
),
compared as (
    select
        *, case when last_session = '2026-02-12' then 100 * (within / before - 1) end as above_pct
    from extreme
)
select
    witness.name as witness, above_pct as measured, above_pct > 0 as is_met,
    case
        when above_pct is not null then format(
            '%s: highest close of the window %s, highest close before 2026 %s.',
            witness.name, round(within::numeric, 2), round(before::numeric, 2)
        )
        else format(
            '%s: the window needs closes of 2026-02-12 and before 2026; the newest close is of %s.',
            witness.name, coalesce(newest::text, 'no day')
        )
    end as reason,
    case when above_pct is not null then last_session end as as_of_date
from (
    values (1, 'IWM price'), (2, '^RUT price'), (3, 'IWM total return')
) as witness (priority, name)
left join compared on compared.name = witness.name
order by witness.priority;
