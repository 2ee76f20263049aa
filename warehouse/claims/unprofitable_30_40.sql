-- statement: 30 to 40 % of the Russell 2000 lose money.
-- said: market commentary, early 2026
-- measure: members with a net loss over the last four quarters, by count; second witness: by weight
-- unit: percent
-- supported if: the share is between 30 and 40 %, with figures for at least 60 % of the members
-- contradicted if: it is not
with day as (
    select max(as_of_date) as as_of_date from published.company_refinancing
),
snapshot as (
    select distinct on (index_code) index_code, membership.as_of_date
    from published.index_membership as membership
    cross join day
    where index_code = 'R2000'
    order by index_code, known_from <= day.as_of_date desc,
        case when known_from <= day.as_of_date then known_from - date '2000-01-01' end desc,
        known_from
),
member as (
    select
        membership.index_code, membership.weight_pct, company.*
    from snapshot
    join published.index_membership as membership using (index_code, as_of_date)
    left join lateral (
        select company.as_of_date as quarter_end, company.is_unprofitable
        from published.company_refinancing as company
        cross join day
        where company.ticker = membership.ticker and company.as_of_date = day.as_of_date
        limit 1
    ) as company on true
),
share as (
    select
        1 as priority, 'R2000 by count' as witness, max(quarter_end) as quarter_end,
        100.0 * count(*) filter (where is_unprofitable) / nullif(count(is_unprofitable), 0) as pct,
        100.0 * count(is_unprofitable) / nullif(count(*), 0) as coverage_pct
    from member
    union all
    select
        2, 'R2000 by weight', max(quarter_end),
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
    quarter_end as as_of_date
from share
order by priority;
