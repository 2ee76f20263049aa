-- statement: Technology and Communication are near 40 % of the S&P 500.
-- said: market commentary, early 2026
-- measure: weight of the two sectors in the newest holdings of December 2025 to February 2026
-- unit: percent
-- supported if: the weight is between 37 and 43 %
-- contradicted if: it is not
with weight as (
    select
        as_of_date,
        sum(weight_pct) filter (where sector in ('Information Technology', 'Communication'))
            as weight_pct
    from published.index_membership
    where index_code = 'SP500' and as_of_date between '2025-12-01' and '2026-02-28'
    group by as_of_date
)
(
    select
        'SP500' as witness, weight_pct as measured, weight_pct between 37 and 43 as is_met,
        format('The two sectors are %s %%.', round(weight_pct::numeric, 1)) as reason, as_of_date
    from weight
    order by as_of_date desc
    limit 1
)
union all
select
    'SP500', null, null,
    format(
        'No holdings of December 2025 to February 2026; the newest are of %s.',
        coalesce(max(as_of_date)::text, 'no day')
    ),
    null
from published.index_membership
where index_code = 'SP500'
having not exists (select from weight);
