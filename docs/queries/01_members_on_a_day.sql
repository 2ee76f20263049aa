-- Which companies are in the Russell 2000, as known on the newest session?
-- A holdings file counts from known_from on, so members of a past day are those of the newest file
-- known by then. Days before the first stored file have no members here.
with snapshot as (
    select max(as_of_date) as as_of_date
    from published.index_membership
    where index_code = 'R2000' and known_from <= (
        select max(session_date) from published.daily_price
    )
)
select ticker, name, sector, round(weight_pct::numeric, 3) as weight_pct, as_of_date, known_from
from published.index_membership
join snapshot using (as_of_date)
where index_code = 'R2000'
order by weight_pct desc, ticker
limit 20;
