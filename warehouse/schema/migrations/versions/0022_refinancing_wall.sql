-- What falls due when. Written by tasks/derive/refinancing_wall.py only.
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
    is_backcast boolean not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (index_code, sector, as_of_date, due_year),
    check (greatest(companies, members_with_debt, members_with_ladder) <= members)
);
create table history.refinancing_wall (
    like derived.refinancing_wall,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.refinancing_wall (index_code, sector, as_of_date, due_year);
