-- Betas to changes of yields. Derived by tasks/derive/macro/rate_sensitivity.py.
create table derived.rate_sensitivity (
    subject text not null,
    session_date date not null,
    kind text not null check (kind in ('fund', 'index_sector')),
    window_end date check (window_end <= session_date),
    is_backcast boolean,
    beta_dgs2_63_pct core.finite,
    se_dgs2_63_pct core.finite check (se_dgs2_63_pct >= 0),
    n_dgs2_63 integer not null check (n_dgs2_63 between 0 and 63),
    beta_dgs2_252_pct core.finite,
    se_dgs2_252_pct core.finite check (se_dgs2_252_pct >= 0),
    n_dgs2_252 integer not null check (n_dgs2_252 between 0 and 252),
    beta_dgs10_63_pct core.finite,
    se_dgs10_63_pct core.finite check (se_dgs10_63_pct >= 0),
    n_dgs10_63 integer not null check (n_dgs10_63 between 0 and 63),
    beta_dgs10_252_pct core.finite,
    se_dgs10_252_pct core.finite check (se_dgs10_252_pct >= 0),
    n_dgs10_252 integer not null check (n_dgs10_252 between 0 and 252),
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (subject, session_date)
);
call history.add_table('derived.rate_sensitivity', 'subject, session_date');
