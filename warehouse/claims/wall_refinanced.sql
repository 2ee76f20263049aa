-- statement: The maturity wall of 2025 was refinanced.
-- said: market commentary, early 2026
-- measure: of the principal due within twelve months at the end of 2024, the part that was not repaid
--   from total debt during 2025; Russell 2000 companies with a known ladder and known debt at both dates
-- unit: percent
-- supported if: 50 % or more was refinanced
-- contradicted if: more than half was repaid
with pair as (
    select
        earlier.cik, earlier.due_12m_usd, earlier.total_debt_usd as debt_before_usd,
        later.total_debt_usd as debt_after_usd
    from published.company_refinancing as earlier
    join published.company_refinancing as later
        on later.cik = earlier.cik and later.as_of_date = '2025-12-31'
    where earlier.as_of_date = '2024-12-31' and earlier.index_code = 'R2000'
        and earlier.due_12m_usd > 0 and earlier.total_debt_usd is not null
        and later.total_debt_usd is not null
),
total as (
    select
        count(*) as companies, sum(due_12m_usd) as due_usd,
        -- what exceeds the principal due was repaid early, what debt grew by is new
        sum(least(greatest(debt_before_usd - debt_after_usd, 0), due_12m_usd)) as repaid_usd
    from pair
)
select
    'R2000' as witness, 100 * (1 - repaid_usd / due_usd) as measured,
    repaid_usd <= due_usd / 2 as is_met,
    case
        when companies = 0
            then 'No company has a ladder of the end of 2024 and debt of the end of 2025.'
        else format(
            '%s companies had %s million USD due in 2025 and repaid %s million.', companies,
            round((due_usd / 1e6)::numeric), round((repaid_usd / 1e6)::numeric)
        )
    end as reason,
    case when companies > 0 then date '2025-12-31' end as as_of_date
from total;
