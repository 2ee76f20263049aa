-- select * from as_of.<table>(instant): the rows as the warehouse held them then.
create or replace function as_of.debt_maturity(at timestamptz)
returns setof published.debt_maturity language sql stable parallel safe as $$
    select
        cik, period_end, bucket, accession_number, amount_usd, family, layout, window_start,
        window_end, is_partial, form, filed_date, known_from, loaded_at
    from as_of.debt_maturity_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.debt_maturity is 'published.debt_maturity as held at the instant.';

create or replace function as_of.company_refinancing(at timestamptz)
returns setof published.company_refinancing language sql stable parallel safe as $$
    select
        cik, as_of_date, ticker, name, index_code, sector, is_backcast, period_end, filed_date,
        accession_number, total_debt_usd, total_debt_basis, cash_usd, ladder_period_end,
        ladder_family, ladder_accession_number, ladder_total_usd, is_ladder_partial,
        is_ladder_stale, is_ladder_implausible, ladder_gap_pct, due_12m_usd, due_36m_usd,
        interest_expense_ttm_usd, interest_tags, pretax_income_ttm_usd, ebit_ttm_usd, ebit_basis,
        net_income_ttm_usd, interest_coverage, years_below_one, is_zombie, is_unprofitable,
        floating_share_disclosed, implied_floating_share, implied_floating_r2,
        implied_floating_quarters, effective_rate, market_rate, market_rate_series, uplift_usd,
        coverage_after_uplift, sources, loaded_at
    from as_of.company_refinancing_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.company_refinancing is 'published.company_refinancing as held at the instant.';

create or replace function as_of.refinancing_wall(at timestamptz)
returns setof published.refinancing_wall language sql stable parallel safe as $$
    select
        index_code, sector, as_of_date, due_year, principal_usd, companies, share_of_total,
        cumulative_share, weighted_effective_rate, principal_with_rate_usd, market_rate,
        market_rate_series, uplift_usd, zombie_principal_usd, members, members_with_debt,
        members_with_ladder, members_with_excluded_ladder, total_debt_usd, ladder_total_usd,
        debt_coverage_pct, membership_as_of, is_backcast, loaded_at
    from as_of.refinancing_wall_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.refinancing_wall is 'published.refinancing_wall as held at the instant.';

create or replace function as_of.rate_shock(at timestamptz)
returns setof published.rate_shock language sql stable parallel safe as $$
    select
        index_code, sector, as_of_date, shock_bp, members, members_with_debt, members_with_floating_share,
        total_debt_usd, floating_share_coverage_pct, floating_debt_usd, floating_share, interest_change_usd,
        interest_change_low_usd, interest_change_high_usd, pretax_income_ttm_usd,
        pretax_change_pct, members_with_coverage, interest_coverage, interest_coverage_after,
        interest_coverage_after_bound, membership_as_of, is_backcast, loaded_at
    from as_of.rate_shock_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.rate_shock is 'published.rate_shock as held at the instant.';

create or replace function as_of.zombie_status(at timestamptz)
returns setof published.zombie_status language sql stable parallel safe as $$
    select
        cik, as_of_date, definition, sector, is_zombie, missing_reason, loaded_at
    from as_of.zombie_status_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.zombie_status is 'published.zombie_status as held at the instant.';
