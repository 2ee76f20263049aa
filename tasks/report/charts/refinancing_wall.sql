-- title: Refinancing wall
-- question: How much debt falls due in which year, how much of it do zombies owe, and of how much is
--   the date not known?
-- source: SEC filings, by published.refinancing_wall, newest quarter-end
-- empty: No due dates are known: they need filings of index members.
-- order: 50
with wall as (
    select * from published.refinancing_wall
    where sector = 'All' and as_of_date = (select max(as_of_date) from published.refinancing_wall)
),
bar as (
    select
        index_code, as_of_date, due_year as place,
        case when due_year = 9999 then 'later' else due_year::text end as due,
        principal_usd, zombie_principal_usd, principal_usd - zombie_principal_usd as other_usd,
        null::double precision as unknown_usd, companies, debt_coverage_pct, members_with_debt,
        members_with_ladder, is_backcast
    from wall
    union all
    select
        index_code, as_of_date, 10000, 'date not known', null, null, null,
        max(total_debt_usd * (1 - debt_coverage_pct / 100)), null, max(debt_coverage_pct),
        max(members_with_debt), max(members_with_ladder), bool_or(is_backcast)
    from wall
    group by index_code, as_of_date
)
select
    index_code, as_of_date, due,
    round((principal_usd / 1e9)::numeric, 3)::double precision as principal_bn_usd,
    round((zombie_principal_usd / 1e9)::numeric, 3)::double precision as zombie_principal_bn_usd,
    round((other_usd / 1e9)::numeric, 3)::double precision as other_principal_bn_usd,
    round((unknown_usd / 1e9)::numeric, 3)::double precision as unknown_bn_usd, companies,
    round(debt_coverage_pct::numeric, 1)::double precision as debt_coverage_pct,
    members_with_debt, members_with_ladder, is_backcast
from bar
order by index_code, place;
