-- statement: 30 to 40 % of the Russell 2000 lose money.
-- said: market commentary, early 2026
-- measure: members with a net loss over the last four quarters, by count; second witness: by weight
-- unit: percent
-- supported if: the share is between 30 and 40 %, with figures for at least 60 % of the members
-- contradicted if: it is not
with member as (
    select * from published.index_company
    where index_code = 'R2000'
        and as_of_date = (select max(as_of_date) from published.company_refinancing)
),
share as (
    select
        1 as priority, 'R2000 by count' as witness, max(as_of_date) as as_of_date,
        100.0 * count(*) filter (where is_unprofitable) / nullif(count(is_unprofitable), 0) as pct,
        100.0 * count(is_unprofitable) / nullif(count(*), 0) as coverage_pct
    from member
    union all
    select
        2, 'R2000 by weight', max(as_of_date),
        100 * sum(weight_pct) filter (where is_unprofitable)
            / nullif(sum(weight_pct) filter (where is_unprofitable is not null), 0),
        100 * sum(weight_pct) filter (where is_unprofitable is not null) / sum(weight_pct)
    from member
)
select
    witness, pct::double precision as measured,
    case when coverage_pct >= 60 then pct between 30 and 40 end as is_met,
    case
        when coverage_pct is null then 'No member of the Russell 2000 is known.'
        else format(
            'Of the members with known income %s %% lose money; it is known for %s %% of the index.',
            coalesce(round(pct::numeric, 1)::text, '-'), round(coverage_pct::numeric, 1)
        )
    end as reason,
    as_of_date
from share
order by priority;
