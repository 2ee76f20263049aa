-- The as_of functions return these views' row types, so the views come first.
create or replace view published.debt_maturity as
select
    cik, period_end, bucket, accession_number, amount_usd, family, layout, window_start,
    window_end, is_partial, form, filed_date, known_from, loaded_at
from derived.debt_maturity;
comment on view published.debt_maturity is
'One row per filer, balance-sheet day, bucket and filing: the maturity ladder as filed, with the dates that each bucket covers. A filing that repeats or amends a ladder has rows of its own: use the newest with known_from not after your day. Buckets of different families are never one ladder. Without a row: the filer has no such tag, or for that day more of another family, not: nothing is due.';

create or replace view published.company_refinancing as
select
    cik, as_of_date, ticker, name, index_code, sector, is_backcast, period_end, filed_date,
    accession_number, total_debt_usd, total_debt_basis, cash_usd, ladder_period_end, ladder_family,
    ladder_accession_number, ladder_total_usd, is_ladder_partial, is_ladder_stale,
    is_ladder_implausible, ladder_gap_pct, due_12m_usd, due_36m_usd, interest_expense_ttm_usd,
    interest_tags, pretax_income_ttm_usd, ebit_ttm_usd, ebit_basis, net_income_ttm_usd,
    interest_coverage, years_below_one, is_zombie, is_unprofitable, floating_share_disclosed,
    implied_floating_share, implied_floating_r2, implied_floating_quarters, effective_rate,
    market_rate, market_rate_series, uplift_usd, coverage_after_uplift, sources, loaded_at
from derived.company_refinancing;
comment on view published.company_refinancing is
'One row per filer and calendar quarter-end, as its filings showed it by then: debt, cash, what falls due, interest and coverage of the four quarters to period_end. Every amount is from filings named in sources. NULL: not filed, or a part is missing; nothing is carried forward.';

create or replace view published.refinancing_wall as
select
    index_code, sector, as_of_date, due_year, principal_usd, companies, share_of_total,
    cumulative_share, weighted_effective_rate, principal_with_rate_usd, market_rate,
    market_rate_series, uplift_usd, zombie_principal_usd, members, members_with_debt,
    members_with_ladder, members_with_excluded_ladder, total_debt_usd, ladder_total_usd,
    debt_coverage_pct, membership_as_of, is_backcast, loaded_at
from derived.refinancing_wall;
comment on view published.refinancing_wall is
'One row per index, sector (All: the whole index, Financials among them), quarter-end and calendar year (9999: later than the ladders say): principal due by the newest ladders known that are not stale. Read it with debt_coverage_pct beside it: what members without a ladder owe is in no year. Where no debt is known there is no row.';

create or replace view published.rate_shock as
select
    index_code, sector, as_of_date, shock_bp, members, members_with_debt, members_with_floating_share,
    total_debt_usd, floating_share_coverage_pct, floating_debt_usd, floating_share, interest_change_usd,
    interest_change_low_usd, interest_change_high_usd, pretax_income_ttm_usd, pretax_change_pct,
    members_with_coverage, interest_coverage, interest_coverage_after,
    interest_coverage_after_bound, membership_as_of, is_backcast, loaded_at
from derived.rate_shock;
comment on view published.rate_shock is
'One row per index, sector (All: without Financials), quarter-end and shock: what a parallel change of short rates does to a year of interest, with the share of debt for which the floating share is known, and bounds for the rest. The floating share is disclosed by nearly nobody: it is the implied one, a proxy, elsewhere.';

create or replace view published.zombie_status as
select
    cik, as_of_date, definition, sector, is_zombie, missing_reason, loaded_at
from derived.zombie_status;
comment on view published.zombie_status is
'One row per filer, quarter-end and definition of a zombie. NULL with missing_reason where the filings or prices do not say. Financials have no row: their interest is what their funds cost.';
