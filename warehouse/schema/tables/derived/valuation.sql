-- Trailing multiples of indexes and sectors. Derived by tasks/derive/valuation/valuation.py.
create table derived.valuation (
    index_code text not null,
    sector text not null,
    as_of_date date not null,
    members integer not null check (members >= 0),
    members_with_earnings integer not null check (members_with_earnings between 0 and members),
    loss_makers integer not null check (loss_makers between 0 and members_with_earnings),
    market_value_usd core.finite not null check (market_value_usd >= 0),
    net_income_ttm_usd core.finite not null,
    net_income_ttm_ex_losers_usd core.finite not null check (net_income_ttm_ex_losers_usd >= 0),
    price_to_earnings core.finite check (price_to_earnings > 0),
    price_to_earnings_ex_losers core.finite check (price_to_earnings_ex_losers > 0),
    earnings_yield core.finite,
    earnings_coverage_pct core.finite not null check (earnings_coverage_pct between 0 and 100.01),
    revenue_ttm_usd core.finite not null,
    price_to_sales core.finite check (price_to_sales > 0),
    sales_coverage_pct core.finite not null check (sales_coverage_pct between 0 and 100.01),
    membership_as_of date not null,
    is_backcast boolean not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (index_code, sector, as_of_date)
);
call history.add_table('derived.valuation', 'index_code, sector, as_of_date');
