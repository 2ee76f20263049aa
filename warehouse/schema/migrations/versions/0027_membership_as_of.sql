-- The day that a wall's and a shock's members are of: where holdings files stay away, the members of
-- an old one look like today's. A column's place is before loaded_at, so the tables are made anew
-- around their rows, superseded ones included; the day is the one that each row was derived with.
create temporary table standing on commit drop as
select distinct view.oid::regclass::text as name, pg_get_viewdef(view.oid) as definition
from pg_depend as needed
join pg_rewrite as rule on rule.oid = needed.objid and needed.classid = 'pg_rewrite'::regclass
join pg_class as view on view.oid = rule.ev_class
where needed.refclassid = 'pg_class'::regclass and needed.refobjid in (
    'derived.refinancing_wall'::regclass, 'history.refinancing_wall'::regclass,
    'derived.rate_shock'::regclass, 'history.rate_shock'::regclass
);

-- each holdings file, and from when until when the warehouse had it
create temporary table snapshot on commit drop as
select
    index_code, as_of_date, known_from, min(loaded_at) as loaded_at,
    max(superseded_at) as superseded_at
from (
    select index_code, as_of_date, known_from, loaded_at, 'infinity'::timestamptz as superseded_at
    from core.index_membership
    union all
    select index_code, as_of_date, known_from, loaded_at, superseded_at
    from history.index_membership
) as version
group by index_code, as_of_date, known_from;

alter table derived.refinancing_wall rename to refinancing_wall_before;
alter table history.refinancing_wall rename to refinancing_wall_before;
alter table derived.rate_shock rename to rate_shock_before;
alter table history.rate_shock rename to rate_shock_before;

-- The day of the newest file known by then; before the first one was known, of that one. A row that
-- stands is what the files of now say: it may be older than some that changed nothing else in it.
create temporary table dated on commit drop as
with asked as (
    select index_code, as_of_date, 'infinity'::timestamptz as held_at
    from derived.refinancing_wall_before
    union
    select index_code, as_of_date, 'infinity' from derived.rate_shock_before
    union
    select index_code, as_of_date, loaded_at from history.refinancing_wall_before
    union
    select index_code, as_of_date, loaded_at from history.rate_shock_before
)
select
    index_code, asked.as_of_date, held_at,
    coalesce(
        max(held.as_of_date) filter (where held.known_from <= asked.as_of_date),
        (array_agg(held.as_of_date order by held.known_from, held.as_of_date desc))[1]
    ) as membership_as_of
from asked
join snapshot as held using (index_code)
where held.loaded_at <= held_at and (held.superseded_at > held_at or held.superseded_at = 'infinity')
group by 1, 2, 3;

create table derived.refinancing_wall (
    index_code text not null,
    sector text not null,
    as_of_date date not null,
    due_year integer not null check (due_year >= 0),
    principal_usd double precision not null
        check (principal_usd > '-infinity' and principal_usd < 'infinity'),
    companies integer not null check (companies >= 0),
    share_of_total double precision
        check (share_of_total > '-infinity' and share_of_total < 'infinity'),
    cumulative_share double precision
        check (cumulative_share > '-infinity' and cumulative_share < 'infinity'),
    weighted_effective_rate double precision
        check (weighted_effective_rate > '-infinity' and weighted_effective_rate < 'infinity'),
    principal_with_rate_usd double precision not null
        check (principal_with_rate_usd > '-infinity' and principal_with_rate_usd < 'infinity'),
    market_rate double precision check (market_rate > '-infinity' and market_rate < 'infinity'),
    market_rate_series text,
    uplift_usd double precision check (uplift_usd > '-infinity' and uplift_usd < 'infinity'),
    zombie_principal_usd double precision not null
        check (zombie_principal_usd > '-infinity' and zombie_principal_usd < 'infinity'),
    members integer not null check (members >= 0),
    members_with_debt integer not null check (members_with_debt >= 0),
    members_with_ladder integer not null check (members_with_ladder >= 0),
    members_with_excluded_ladder integer not null check (members_with_excluded_ladder >= 0),
    total_debt_usd double precision not null
        check (total_debt_usd > '-infinity' and total_debt_usd < 'infinity'),
    ladder_total_usd double precision not null
        check (ladder_total_usd > '-infinity' and ladder_total_usd < 'infinity'),
    debt_coverage_pct double precision not null check (debt_coverage_pct between 0 and 100),
    membership_as_of date not null,
    is_backcast boolean not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    check (greatest(companies, members_with_debt, members_with_ladder) <= members)
);
create table history.refinancing_wall (
    like derived.refinancing_wall,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
insert into derived.refinancing_wall (
    index_code, sector, as_of_date, due_year, principal_usd, companies, share_of_total,
    cumulative_share, weighted_effective_rate, principal_with_rate_usd, market_rate, market_rate_series,
    uplift_usd, zombie_principal_usd, members, members_with_debt, members_with_ladder,
    members_with_excluded_ladder, total_debt_usd, ladder_total_usd, debt_coverage_pct,
    membership_as_of, is_backcast, loaded_at, run_id
)
select
    index_code, sector, as_of_date, due_year, principal_usd, companies, share_of_total,
    cumulative_share, weighted_effective_rate, principal_with_rate_usd, market_rate, market_rate_series,
    uplift_usd, zombie_principal_usd, members, members_with_debt, members_with_ladder,
    members_with_excluded_ladder, total_debt_usd, ladder_total_usd, debt_coverage_pct,
    membership_as_of, is_backcast, loaded_at, run_id
from derived.refinancing_wall_before
left join (select * from dated where held_at = 'infinity') as now using (index_code, as_of_date);
insert into history.refinancing_wall (
    index_code, sector, as_of_date, due_year, principal_usd, companies, share_of_total,
    cumulative_share, weighted_effective_rate, principal_with_rate_usd, market_rate, market_rate_series,
    uplift_usd, zombie_principal_usd, members, members_with_debt, members_with_ladder,
    members_with_excluded_ladder, total_debt_usd, ladder_total_usd, debt_coverage_pct,
    membership_as_of, is_backcast, loaded_at, run_id, superseded_at, superseded_by
)
select
    index_code, sector, as_of_date, due_year, principal_usd, companies, share_of_total,
    cumulative_share, weighted_effective_rate, principal_with_rate_usd, market_rate, market_rate_series,
    uplift_usd, zombie_principal_usd, members, members_with_debt, members_with_ladder,
    members_with_excluded_ladder, total_debt_usd, ladder_total_usd, debt_coverage_pct,
    membership_as_of, is_backcast, loaded_at, run_id, superseded_at, superseded_by
from (select *, loaded_at as held_at from history.refinancing_wall_before) as past
left join dated using (index_code, as_of_date, held_at);

create table derived.rate_shock (
    index_code text not null,
    sector text not null,
    as_of_date date not null,
    shock_bp integer not null,
    members integer not null check (members >= 0),
    members_with_debt integer not null check (members_with_debt >= 0),
    members_with_floating_share integer not null check (members_with_floating_share >= 0),
    total_debt_usd double precision not null
        check (total_debt_usd > '-infinity' and total_debt_usd < 'infinity'),
    floating_share_coverage_pct double precision check (floating_share_coverage_pct between 0 and 100),
    floating_debt_usd double precision not null
        check (floating_debt_usd > '-infinity' and floating_debt_usd < 'infinity'),
    floating_share double precision check (floating_share between 0 and 1),
    interest_change_usd double precision not null
        check (interest_change_usd > '-infinity' and interest_change_usd < 'infinity'),
    interest_change_low_usd double precision not null
        check (interest_change_low_usd > '-infinity' and interest_change_low_usd < 'infinity'),
    interest_change_high_usd double precision not null
        check (interest_change_high_usd > '-infinity' and interest_change_high_usd < 'infinity'),
    pretax_income_ttm_usd double precision
        check (pretax_income_ttm_usd > '-infinity' and pretax_income_ttm_usd < 'infinity'),
    pretax_change_pct double precision
        check (pretax_change_pct > '-infinity' and pretax_change_pct < 'infinity'),
    members_with_coverage integer not null check (members_with_coverage >= 0),
    interest_coverage double precision
        check (interest_coverage > '-infinity' and interest_coverage < 'infinity'),
    interest_coverage_after double precision
        check (interest_coverage_after > '-infinity' and interest_coverage_after < 'infinity'),
    interest_coverage_after_bound double precision
        check (interest_coverage_after_bound > '-infinity' and interest_coverage_after_bound < 'infinity'),
    membership_as_of date not null,
    is_backcast boolean not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    check (members_with_floating_share <= members_with_debt and members_with_debt <= members)
);
create table history.rate_shock (
    like derived.rate_shock,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
insert into derived.rate_shock (
    index_code, sector, as_of_date, shock_bp, members, members_with_debt, members_with_floating_share,
    total_debt_usd, floating_share_coverage_pct, floating_debt_usd, floating_share, interest_change_usd,
    interest_change_low_usd, interest_change_high_usd, pretax_income_ttm_usd, pretax_change_pct,
    members_with_coverage, interest_coverage, interest_coverage_after,
    interest_coverage_after_bound, membership_as_of, is_backcast, loaded_at, run_id
)
select
    index_code, sector, as_of_date, shock_bp, members, members_with_debt, members_with_floating_share,
    total_debt_usd, floating_share_coverage_pct, floating_debt_usd, floating_share, interest_change_usd,
    interest_change_low_usd, interest_change_high_usd, pretax_income_ttm_usd, pretax_change_pct,
    members_with_coverage, interest_coverage, interest_coverage_after,
    interest_coverage_after_bound, membership_as_of, is_backcast, loaded_at, run_id
from derived.rate_shock_before
left join (select * from dated where held_at = 'infinity') as now using (index_code, as_of_date);
insert into history.rate_shock (
    index_code, sector, as_of_date, shock_bp, members, members_with_debt, members_with_floating_share,
    total_debt_usd, floating_share_coverage_pct, floating_debt_usd, floating_share, interest_change_usd,
    interest_change_low_usd, interest_change_high_usd, pretax_income_ttm_usd, pretax_change_pct,
    members_with_coverage, interest_coverage, interest_coverage_after,
    interest_coverage_after_bound, membership_as_of, is_backcast, loaded_at, run_id, superseded_at,
    superseded_by
)
select
    index_code, sector, as_of_date, shock_bp, members, members_with_debt, members_with_floating_share,
    total_debt_usd, floating_share_coverage_pct, floating_debt_usd, floating_share, interest_change_usd,
    interest_change_low_usd, interest_change_high_usd, pretax_income_ttm_usd, pretax_change_pct,
    members_with_coverage, interest_coverage, interest_coverage_after,
    interest_coverage_after_bound, membership_as_of, is_backcast, loaded_at, run_id, superseded_at,
    superseded_by
from (select *, loaded_at as held_at from history.rate_shock_before) as past
left join dated using (index_code, as_of_date, held_at);

-- What stands on the old tables stands on the new ones, with the columns and grants that it had; the
-- files in views/ bring the new column.
do $$
declare
    each record;
begin
    for each in select * from standing loop
        execute 'create or replace view ' || each.name || ' as ' || each.definition;
    end loop;
end
$$;
drop table derived.refinancing_wall_before, derived.rate_shock_before;
drop table history.refinancing_wall_before, history.rate_shock_before;
alter table derived.refinancing_wall add primary key (index_code, sector, as_of_date, due_year);
create index on history.refinancing_wall (index_code, sector, as_of_date, due_year);
alter table derived.rate_shock add primary key (index_code, sector, as_of_date, shock_bp);
create index on history.rate_shock (index_code, sector, as_of_date, shock_bp);
