-- title: Refinancing wall
-- question: How much debt falls due in which year, and how much of it is owed by zombies?
-- source: SEC filings, by published.refinancing_wall, newest quarter-end
-- order: 50
select
    index_code, as_of_date, due_year,
    round((principal_usd / 1e9)::numeric, 3)::double precision as principal_bn_usd,
    round((zombie_principal_usd / 1e9)::numeric, 3)::double precision as zombie_principal_bn_usd,
    round(((principal_usd - zombie_principal_usd) / 1e9)::numeric, 3)::double precision
        as other_principal_bn_usd,
    companies, round(debt_coverage_pct::numeric, 1)::double precision as debt_coverage_pct,
    members, members_with_ladder, is_backcast
from published.refinancing_wall
where sector = 'All' and as_of_date = (select max(as_of_date) from published.refinancing_wall)
order by index_code, due_year;
