-- Which small caps have more debt due within a year than cash?
-- NULL amounts are not filed and drop out here. A partial ladder may understate what is due.
select
    ticker, name, as_of_date, round((due_12m_usd / 1e6)::numeric) as due_12m_usd_m,
    round((cash_usd / 1e6)::numeric) as cash_usd_m,
    round((total_debt_usd / 1e6)::numeric) as total_debt_usd_m, total_debt_confidence,
    is_ladder_partial, is_ladder_stale, accession_number
from published.company_refinancing
where index_code = 'R2000' and due_12m_usd > cash_usd
    and as_of_date = (select max(as_of_date) from published.company_refinancing)
order by due_12m_usd - cash_usd desc
limit 20;
