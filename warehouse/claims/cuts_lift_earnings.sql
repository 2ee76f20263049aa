-- statement: A cut of the funds rate lowers the interest of small caps at once.
-- said: market commentary, early 2026
-- measure: lag, of 0 to 8 quarters, at which the quarterly change of the debt-weighted effective rate of
--   Russell 2000 companies correlates best with the change of the funds rate; second witness: S&P 500
-- unit: quarters
-- supported if: the lag is 0 or 1 and the correlation above 0
-- contradicted if: the lag is 2 or more, or no correlation is above 0
with rate as (
    select
        index_code, as_of_date,
        sum(effective_rate * total_debt_usd) / nullif(sum(total_debt_usd), 0) as effective_rate
    from published.company_refinancing
    where index_code in ('R2000', 'SP500') and effective_rate is not null and total_debt_usd > 0
    group by index_code, as_of_date
),
funds as (
    select
        (date_trunc('quarter', observation_date) + interval '3 months')::date - 1 as as_of_date,
        avg(value) as funds_pct
    from published.macro_latest
    where series_id = 'DFF' and value is not null
    group by date_trunc('quarter', observation_date)
),
rate_change as (
    select
        index_code, as_of_date,
        effective_rate - lag(effective_rate) over (partition by index_code order by as_of_date)
            as change
    from rate
),
funds_change as (
    select as_of_date, funds_pct - lag(funds_pct) over (order by as_of_date) as change from funds
),
fit as (
    select
        rate_change.index_code, quarters.lag, corr(rate_change.change, funds_change.change) as r,
        count(*) as n, max(rate_change.as_of_date) as as_of_date
    from rate_change
    cross join generate_series(0, 8) as quarters (lag)
    join funds_change on funds_change.as_of_date = (
        date_trunc('month', rate_change.as_of_date) - quarters.lag * interval '3 months'
        + interval '1 month'
    )::date - 1
    where rate_change.change is not null and funds_change.change is not null
    group by rate_change.index_code, quarters.lag
    having count(*) >= 12
),
best as (
    select distinct on (index_code) * from fit where r is not null order by index_code, r desc, lag
)
select
    index_code as witness, lag::double precision as measured, lag <= 1 and r > 0 as is_met,
    format(
        '%s: best correlation %s at a lag of %s quarters, of %s quarters.', index_code,
        round(r::numeric, 2), lag, n
    ) as reason,
    as_of_date
from best
union all
select
    'R2000', null, null,
    'Fewer than 12 quarters with an effective rate of Russell 2000 companies.', null
where not exists (select from best where index_code = 'R2000')
order by witness;
