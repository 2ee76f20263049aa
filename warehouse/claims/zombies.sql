-- statement: Some of the loss-making companies of the Russell 2000 are zombies, which is not the same.
-- said: market commentary, early 2026
-- measure: zombies (EBIT below interest in three fiscal years) among the members that lose money, by
--   count; second witness: zombies among all members with known coverage, by debt
-- unit: percent
-- supported if: the share is above 0 and below 100 %, with figures for at least 60 % of the loss makers
-- contradicted if: none of the loss makers, or every one, is a zombie
with member as (
    select * from published.index_company
    where index_code = 'R2000'
        and as_of_date = (select max(as_of_date) from published.company_refinancing)
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
    max(as_of_date) as as_of_date
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
    max(as_of_date)
from member;
