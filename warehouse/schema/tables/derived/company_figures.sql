-- Figures behind valuation and zombie_status, stored so that each company's facts are read once.
-- Rewritten in the same transaction as the company's rows of company_refinancing, for the same
-- quarter-ends. No history twin: they follow from as_of.company_fact.
create table derived.company_figures (
    cik integer not null check (cik > 0),
    as_of_date date not null,
    first_filed_date date not null,
    assets_usd core.finite check (assets_usd > 0),
    liabilities_usd core.finite,
    revenue_ttm_usd core.finite,
    shares_outstanding core.finite,
    shares_as_of date check (shares_as_of <= as_of_date),
    shares_known_since date check (shares_known_since <= as_of_date),
    is_cover_page_count boolean,
    shares_before core.finite check (shares_before > 0),
    shares_before_known_since date check (shares_before_known_since <= shares_as_of),
    is_ebit_below_interest_1 boolean,
    is_ebit_below_interest_2 boolean,
    is_ebit_below_interest_3 boolean,
    ebitda_less_interest_3y_usd core.finite,
    revenue_change_3y_usd core.finite,
    primary key (cik, as_of_date),
    check (num_nulls(
        shares_outstanding, shares_as_of, shares_known_since, is_cover_page_count
    ) in (0, 4)),
    check ((shares_before is null) = (shares_before_known_since is null))
);
-- All companies of a quarter-end.
create index on derived.company_figures (as_of_date);
comment on table derived.company_figures is 'One row per row of company_refinancing: what valuation and zombie_status need of the company''s filings.';
comment on column derived.company_figures.cik is 'The SEC''s number of the filer.';
comment on column derived.company_figures.as_of_date is 'Calendar quarter-end; only what was known by then counts.';
comment on column derived.company_figures.first_filed_date is 'Day of the oldest filing with stored facts.';
comment on column derived.company_figures.assets_usd is 'Total assets. NULL: not filed for the period end, or not above 0.';
comment on column derived.company_figures.liabilities_usd is 'Total liabilities, else assets less equity. NULL: neither is filed.';
comment on column derived.company_figures.revenue_ttm_usd is 'Revenue of four quarters. NULL: a part is not known.';
comment on column derived.company_figures.shares_outstanding is 'The newest share count as filed. NULL: none is known, or its unit is wrong.';
comment on column derived.company_figures.shares_as_of is 'Day of that count. NULL: none is known.';
comment on column derived.company_figures.shares_known_since is 'Day of the first filing with that count. NULL: none is known.';
comment on column derived.company_figures.is_cover_page_count is 'Whether it is from a cover page, not from a balance sheet. NULL: none is known.';
comment on column derived.company_figures.shares_before is 'The newest earlier count that was known on that day. NULL: none was.';
comment on column derived.company_figures.shares_before_known_since is 'Day of the first filing with that earlier count. NULL: there is none.';
comment on column derived.company_figures.is_ebit_below_interest_1 is 'Whether EBIT of the newest fiscal year was below interest. NULL: not known.';
comment on column derived.company_figures.is_ebit_below_interest_2 is 'The same of the year before. NULL: not known.';
comment on column derived.company_figures.is_ebit_below_interest_3 is 'The same of two years before. NULL: not known.';
comment on column derived.company_figures.ebitda_less_interest_3y_usd is 'EBITDA less interest of the last three fiscal years. NULL: one is not known.';
comment on column derived.company_figures.revenue_change_3y_usd is 'Revenue of the newest fiscal year less that of three years before. NULL: one is not known.';
