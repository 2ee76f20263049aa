-- statement: Some of the loss-making companies of the Russell 2000 are zombies, which is not the same.
-- said: market commentary, early 2026
-- measure: zombies (EBIT below interest in three fiscal years) among the members that lose money, by
--   count; second witness: zombies among all members with known coverage, by debt
-- unit: percent
-- supported if: the share is above 0 and below 100 %, with figures for at least 60 % of the loss makers
-- contradicted if: none of the loss makers, or every one, is a zombie
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
        select company.as_of_date as quarter_end, 
            company.is_unprofitable, company.is_zombie, company.total_debt_usd
        from published.company_refinancing as company
        cross join day
        where company.ticker = membership.ticker and company.as_of_date = day.as_of_date
        limit 1
    ) as company on true
)
select
    'loss makers of R2000 by count' as witness,
    (100.0 * count(*) filter (where is_zombie) / nullif(count(is_zombie), 0))::double precision
        as measured,
    case
        when count(is_zombie) >= 0.6 * count(*) and count(*) > 0
            then count(*) filter (where is_zombie) between 1 and count(is_zombie) - 1
    end as is_met,
    format(
        '%s loss makers: %s zombies, %s not, %s unknown.', count(*),
        count(*) filter (where is_zombie), count(*) filter (where not is_zombie),
        count(*) - count(is_zombie)
    ) as reason,
    max(quarter_end) as as_of_date
from member
where is_unprofitable
union all
select
    'R2000 by debt',
    100 * sum(total_debt_usd) filter (where is_zombie)
        / nullif(sum(total_debt_usd) filter (where is_zombie is not null), 0),
    case
        when sum(total_debt_usd) filter (where is_zombie is not null) >= 0.6 * sum(total_debt_usd)
            then coalesce(sum(total_debt_usd) filter (where is_zombie), 0) > 0
    end,
    format(
        'zombies owe %s of %s million USD.',
        round((coalesce(sum(total_debt_usd) filter (where is_zombie), 0) / 1e6)::numeric),
        coalesce(round((sum(total_debt_usd) / 1e6)::numeric), 0)
    ),
    max(quarter_end)
from member;
