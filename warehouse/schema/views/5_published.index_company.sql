create or replace view published.index_company as
with quarter as (
    select distinct as_of_date from derived.company_refinancing
),
snapshot as (
    select distinct member.index_code, member.as_of_date, member.known_from
    from derived.loaded_index as loaded
    join core.index_membership as member using (index_code)
),
in_force as (
    -- the newest snapshot known then, else the first one that ever was
    select distinct on (quarter.as_of_date, snapshot.index_code)
        quarter.as_of_date, snapshot.index_code, snapshot.as_of_date as membership_as_of,
        snapshot.known_from > quarter.as_of_date as is_backcast
    from quarter
    cross join snapshot
    order by
        quarter.as_of_date, snapshot.index_code, snapshot.known_from > quarter.as_of_date,
        case when snapshot.known_from <= quarter.as_of_date then snapshot.known_from end desc,
        snapshot.known_from
),
company as (
    select distinct on (as_of_date, ticker)
        as_of_date, ticker, cik, total_debt_usd, net_income_ttm_usd, is_unprofitable, is_zombie
    from derived.company_refinancing
    where ticker is not null
    order by as_of_date, ticker, cik
)
select
    in_force.index_code, member.ticker, in_force.as_of_date, in_force.membership_as_of,
    in_force.is_backcast, member.sector, member.weight_pct::double precision as weight_pct,
    company.cik, company.total_debt_usd::double precision as total_debt_usd,
    company.net_income_ttm_usd::double precision as net_income_ttm_usd,
    company.is_unprofitable, company.is_zombie
from in_force
join core.index_membership as member
    on member.index_code = in_force.index_code and member.as_of_date = in_force.membership_as_of
left join company
    on company.as_of_date = in_force.as_of_date and company.ticker = member.ticker;
comment on view published.index_company is
'One row per index, member and quarter-end, with figures of the member''s company as filed by then.';
comment on column published.index_company.index_code is 'The index, such as R2000.';
comment on column published.index_company.ticker is 'Symbol in the snapshot, in Yahoo''s spelling.';
comment on column published.index_company.as_of_date is 'Calendar quarter-end: filings and members known by then.';
comment on column published.index_company.membership_as_of is 'The close described by the snapshot in force: the newest known by as_of_date, else the first.';
comment on column published.index_company.is_backcast is 'True before the index''s first snapshot was known: its members are the survivors.';
comment on column published.index_company.sector is 'GICS sector in the snapshot. NULL: none is given.';
comment on column published.index_company.weight_pct is 'Percent of the index in the snapshot.';
comment on column published.index_company.cik is 'SEC number of the company. NULL: no row of company_refinancing has the ticker then.';
comment on column published.index_company.total_debt_usd is 'As in company_refinancing. NULL: unknown.';
comment on column published.index_company.net_income_ttm_usd is 'As in company_refinancing. NULL: unknown.';
comment on column published.index_company.is_unprofitable is 'As in company_refinancing. NULL: unknown.';
comment on column published.index_company.is_zombie is 'As in company_refinancing. NULL: unknown, or a Financial.';
