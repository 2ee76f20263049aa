-- statement: The Russell 2000 is 17 % Industrials, 16 % Financials, 15 % Health Care, 14 % Technology
--   and 11 % Consumer Discretionary.
-- said: market commentary, early 2026
-- measure: largest difference of these weights from the newest holdings of December 2025 to February 2026
-- unit: percentage points
-- supported if: no weight differs by more than 1.5 points
-- contradicted if: one does
with weight as (
    select sector, sum(weight_pct) as weight_pct, as_of_date
    from published.index_membership
    where index_code = 'R2000' and as_of_date = (
        select max(as_of_date) from published.index_membership
        where index_code = 'R2000' and as_of_date between '2025-12-01' and '2026-02-28'
    )
    group by sector, as_of_date
),
compared as (
    select
        claimed.sector, coalesce(weight.weight_pct, 0) as weight_pct,
        abs(coalesce(weight.weight_pct, 0) - claimed.weight_pct) as difference,
        max(weight.as_of_date) over () as as_of_date
    from (
        values
            ('Industrials', 17), ('Financials', 16), ('Health Care', 15),
            ('Information Technology', 14), ('Consumer Discretionary', 11)
    ) as claimed (sector, weight_pct)
    left join weight using (sector)
)
select
    'R2000' as witness, case when max(as_of_date) is not null then max(difference) end as measured,
    case when max(as_of_date) is not null then max(difference) <= 1.5 end as is_met,
    case
        when max(as_of_date) is not null then string_agg(
            format('%s %s %%', sector, round(weight_pct::numeric, 1)), ', ' order by weight_pct desc
        ) || '.'
        else format(
            'No holdings of December 2025 to February 2026; the newest are of %s.',
            coalesce((
                select max(as_of_date)::text from published.index_membership
                where index_code = 'R2000'
            ), 'no day')
        )
    end as reason,
    max(as_of_date) as as_of_date
from compared;
