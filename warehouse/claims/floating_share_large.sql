-- statement: Less than 10 % of the debt of S&P 500 companies is floating.
-- said: market commentary, early 2026
-- measure: floating share of the members' debt, weighted by debt: estimated from interest and the funds
--   rate; second witness: as disclosed
-- unit: percent
-- supported if: the share is below 10 %, known for at least 50 % of the debt
-- contradicted if: it is not
with company as (
    select
        as_of_date, total_debt_usd, implied_floating_share, floating_share_disclosed
    from published.company_refinancing
    where index_code = 'SP500' and total_debt_usd > 0 and as_of_date = (
        select max(as_of_date) from published.company_refinancing where index_code = 'SP500'
    )
),
share as (
    select
        witness.priority, witness.name, max(as_of_date) as as_of_date,
        100 * sum(total_debt_usd * witness.share)
            / nullif(sum(total_debt_usd) filter (where witness.share is not null), 0) as pct,
        100 * coalesce(sum(total_debt_usd) filter (where witness.share is not null), 0)
            / sum(total_debt_usd) as coverage_pct
    from company
    cross join lateral (
        values
            (1, 'SP500, estimated', implied_floating_share),
            (2, 'SP500, disclosed', floating_share_disclosed)
    ) as witness (priority, name, share)
    group by witness.priority, witness.name
)
select
    name as witness, pct as measured,
    case when coverage_pct >= 50 then pct < 10 end as is_met,
    format(
        '%s: %s %% of the debt floats, known for %s %% of it.', name,
        coalesce(round(pct::numeric, 1)::text, 'unknown'), round(coverage_pct::numeric, 1)
    ) as reason,
    as_of_date
from share
union all
select
    'SP500', null, null, 'No company of SP500 with debt has a row.', null
where not exists (select from share)
order by witness desc;
