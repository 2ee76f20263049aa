-- How many companies are zombies, by each published definition, and for how many is it unknown?
-- zombie_pct is of the companies with an answer; unknown ones are in no share.
select
    definition, count(*) as companies, count(*) filter (where is_zombie) as zombies,
    count(*) filter (where is_zombie is null) as unknown,
    round(100.0 * avg(is_zombie::integer), 1) as zombie_pct
from published.zombie_status
where as_of_date = (select max(as_of_date) from published.zombie_status)
group by definition
order by definition;
