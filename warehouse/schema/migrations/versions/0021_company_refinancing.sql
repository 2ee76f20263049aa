-- A company as its filings showed it by a quarter-end. Written by tasks/derive/company_refinancing.py only.
create table derived.company_refinancing (
    cik integer not null check (cik > 0),
    as_of_date date not null,
    ticker text,
    name text,
    index_code text,
    sector text,
    is_backcast boolean not null,
    period_end date not null,
    filed_date date not null,
    accession_number text not null,
    total_debt_usd double precision
        check (total_debt_usd > '-infinity' and total_debt_usd < 'infinity'),
    total_debt_basis text,
    cash_usd double precision check (cash_usd > '-infinity' and cash_usd < 'infinity'),
    ladder_period_end date,
    ladder_family text,
    ladder_accession_number text,
    ladder_total_usd double precision
        check (ladder_total_usd > '-infinity' and ladder_total_usd < 'infinity'),
    is_ladder_partial boolean,
    is_ladder_stale boolean,
    is_ladder_implausible boolean,
    ladder_gap_pct double precision
        check (ladder_gap_pct > '-infinity' and ladder_gap_pct < 'infinity'),
    due_12m_usd double precision check (due_12m_usd > '-infinity' and due_12m_usd < 'infinity'),
    due_36m_usd double precision check (due_36m_usd > '-infinity' and due_36m_usd < 'infinity'),
    interest_expense_ttm_usd double precision
        check (interest_expense_ttm_usd >= 0 and interest_expense_ttm_usd < 'infinity'),
    interest_tags text,
    pretax_income_ttm_usd double precision
        check (pretax_income_ttm_usd > '-infinity' and pretax_income_ttm_usd < 'infinity'),
    ebit_ttm_usd double precision check (ebit_ttm_usd > '-infinity' and ebit_ttm_usd < 'infinity'),
    ebit_basis text,
    net_income_ttm_usd double precision
        check (net_income_ttm_usd > '-infinity' and net_income_ttm_usd < 'infinity'),
    interest_coverage double precision
        check (interest_coverage > '-infinity' and interest_coverage < 'infinity'),
    years_below_one integer check (years_below_one >= 0),
    is_zombie boolean,
    is_unprofitable boolean,
    floating_share_disclosed double precision check (floating_share_disclosed between 0 and 1),
    implied_floating_share double precision check (implied_floating_share between 0 and 1),
    implied_floating_r2 double precision check (implied_floating_r2 between 0 and 1),
    implied_floating_quarters integer check (implied_floating_quarters >= 0),
    effective_rate double precision
        check (effective_rate > '-infinity' and effective_rate < 'infinity'),
    market_rate double precision check (market_rate > '-infinity' and market_rate < 'infinity'),
    market_rate_series text,
    uplift_usd double precision check (uplift_usd > '-infinity' and uplift_usd < 'infinity'),
    coverage_after_uplift double precision
        check (coverage_after_uplift > '-infinity' and coverage_after_uplift < 'infinity'),
    sources text,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (cik, as_of_date),
    check (period_end <= as_of_date)
);
create table history.company_refinancing (
    like derived.company_refinancing,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.company_refinancing (cik, as_of_date);

-- All companies of a quarter-end.
create index on derived.company_refinancing (as_of_date);
