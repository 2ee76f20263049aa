-- statement: The maturity wall of 2025 was refinanced.
-- said: market commentary, early 2026
-- measure: of the principal due within twelve months, the part that was not repaid from total debt in the
--   year after; Russell 2000 companies with a ladder and debt in the reports filed by March 2025 and debt
--   in those filed by March 2026; second witness: by December 2024 and December 2025
-- unit: percent
-- supported if: 50 % or more was refinanced
-- contradicted if: more than half was repaid
with year (priority, first_day, last_day) as (
    values (1, date '2025-03-31', date '2026-03-31'), (2, '2024-12-31', '2025-12-31')
),
company as (
    select
        year.priority, earlier.due_12m_usd, earlier.total_debt_usd as debt_before_usd,
        later.total_debt_usd as debt_after_usd
    from year
    join published.company_refinancing as earlier on earlier.as_of_date = year.first_day
    join published.company_refinancing as later
        on later.cik = earlier.cik and later.as_of_date = year.last_day
    where earlier.index_code = 'R2000' and earlier.due_12m_usd > 0
        and earlier.total_debt_usd is not null and later.total_debt_usd is not null
        and later.period_end > earlier.period_end
),
total as (
    select
        year.priority, year.first_day, year.last_day, count(due_12m_usd) as companies,
        sum(due_12m_usd) as due_usd,
        -- what exceeds the principal due was repaid early, what debt grew by is new
        sum(least(greatest(debt_before_usd - debt_after_usd, 0), due_12m_usd)) as repaid_usd
    from year
    left join company using (priority)
    group by year.priority, year.first_day, year.last_day
)
select
    format('filed by %s and %s', first_day, last_day) as witness,
    100 * (1 - repaid_usd / due_usd) as measured, repaid_usd <= due_usd / 2 as is_met,
    case
        when companies = 0 then format(
            'No company has principal due in reports filed by %s and debt in those filed by %s; the'
            ' newest quarter-end is %s.', first_day, last_day,
            coalesce((select max(as_of_date)::text from published.company_refinancing), 'none')
        )
        else format(
            '%s companies had %s million USD due in the year after their report and repaid %s million.',
            companies, round((due_usd / 1e6)::numeric), round((repaid_usd / 1e6)::numeric)
        )
    end as reason,
    case when companies > 0 then last_day end as as_of_date
from total
order by priority;
