-- title: What is known of the debt
-- question: Which part of the debt has known due dates, floats, or is owed by zombies?
-- source: SEC filings, by published.company_refinancing and refinancing_wall, newest quarter-end;
--   the floating share is estimated from interest paid and the funds rate
-- empty: No debt is known: it needs filings of index members.
-- order: 52
with company as (
    select * from published.company_refinancing
    where total_debt_usd > 0 and index_code is not null
        and as_of_date = (select max(as_of_date) from published.company_refinancing)
),
part as (
    select
        index_code, as_of_date, 1 as place, 'due date known' as measure,
        max(debt_coverage_pct) as share_pct, 100 as known_for_pct,
        max(members_with_ladder) as companies, max(members_with_debt) as companies_with_debt
    from published.refinancing_wall
    where sector = 'All' and as_of_date = (select max(as_of_date) from published.refinancing_wall)
    group by index_code, as_of_date
    union all
    select
        index_code, as_of_date, 2, 'floating rate (estimated)',
        100 * sum(total_debt_usd * implied_floating_share)
            / sum(total_debt_usd) filter (where implied_floating_share is not null),
        100 * coalesce(sum(total_debt_usd) filter (where implied_floating_share is not null), 0)
            / sum(total_debt_usd),
        count(implied_floating_share), count(*)
    from company
    group by index_code, as_of_date
    union all
    select
        index_code, as_of_date, 3, 'owed by zombies',
        100 * coalesce(sum(total_debt_usd) filter (where is_zombie), 0)
            / sum(total_debt_usd) filter (where is_zombie is not null),
        100 * coalesce(sum(total_debt_usd) filter (where is_zombie is not null), 0)
            / sum(total_debt_usd),
        count(is_zombie), count(*)
    from company
    group by index_code, as_of_date
)
select
    index_code, as_of_date, measure, round(share_pct::numeric, 1)::double precision as share_pct,
    round(known_for_pct::numeric, 1)::double precision as known_for_pct,
    companies::integer as companies, companies_with_debt::integer as companies_with_debt
from part
order by index_code, place;
