-- What a change of short rates does. Written by tasks/derive/rate_shock.py only.
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
    is_backcast boolean not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (index_code, sector, as_of_date, shock_bp),
    check (members_with_floating_share <= members_with_debt and members_with_debt <= members)
);
create table history.rate_shock (
    like derived.rate_shock,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.rate_shock (index_code, sector, as_of_date, shock_bp);
