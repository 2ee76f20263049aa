-- title: Companies behind the wall
-- question: Who has the most debt due within twelve months?
-- source: SEC filings, by published.company_refinancing, newest quarter-end
-- order: 55
select
    ticker, name, index_code, sector,
    round((due_12m_usd / 1e6)::numeric, 1)::double precision as due_12m_m_usd,
    round((total_debt_usd / 1e6)::numeric, 1)::double precision as total_debt_m_usd,
    round((cash_usd / 1e6)::numeric, 1)::double precision as cash_m_usd,
    round(interest_coverage::numeric, 2)::double precision as interest_coverage,
    round(implied_floating_share::numeric, 2)::double precision as implied_floating_share,
    is_zombie, filed_date
from published.company_refinancing
where as_of_date = (select max(as_of_date) from published.company_refinancing)
    and due_12m_usd > 0 and ticker is not null
order by due_12m_usd desc
limit 40;
