-- title: Companies behind the wall
-- question: Who has the most debt due within twelve months? The 25 first of each index.
-- source: SEC filings, by published.company_refinancing, newest quarter-end
-- empty: No debt due within twelve months is known: it needs filings of index members.
-- order: 55
with ranked as (
    select *, row_number() over (partition by index_code order by due_12m_usd desc, cik) as place
    from published.company_refinancing
    where as_of_date = (select max(as_of_date) from published.company_refinancing)
        and due_12m_usd > 0 and ticker is not null and index_code is not null
)
select
    ticker, name, index_code as index, sector,
    round((due_12m_usd / 1e6)::numeric, 1)::double precision as due_12m_million_usd,
    round((total_debt_usd / 1e6)::numeric, 1)::double precision as total_debt_million_usd,
    round((cash_usd / 1e6)::numeric, 1)::double precision as cash_million_usd,
    round(interest_coverage::numeric, 2)::double precision as interest_coverage,
    round((100 * implied_floating_share)::numeric, 1)::double precision as floating_pct,
    is_zombie as zombie, filed_date, as_of_date
from ranked
where place <= 25
order by index_code, place;
