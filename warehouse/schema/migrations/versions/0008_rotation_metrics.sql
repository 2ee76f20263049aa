-- Small against large. Written by tasks/derive/rotation_metrics.py only.
create table derived.rotation_metrics (
    pair text not null,
    session_date date not null,
    ratio double precision not null check (ratio > 0 and ratio < 'infinity'),
    ratio_sma_50 double precision check (ratio_sma_50 > '-infinity' and ratio_sma_50 < 'infinity'),
    ratio_sma_200 double precision check (ratio_sma_200 > '-infinity' and ratio_sma_200 < 'infinity'),
    ratio_drawdown_252 double precision check (ratio_drawdown_252 > '-infinity' and ratio_drawdown_252 < 'infinity'),
    excess_return_1 double precision
        check (excess_return_1 > '-infinity' and excess_return_1 < 'infinity'),
    excess_return_5 double precision
        check (excess_return_5 > '-infinity' and excess_return_5 < 'infinity'),
    excess_return_21 double precision
        check (excess_return_21 > '-infinity' and excess_return_21 < 'infinity'),
    excess_return_63 double precision
        check (excess_return_63 > '-infinity' and excess_return_63 < 'infinity'),
    excess_return_126 double precision
        check (excess_return_126 > '-infinity' and excess_return_126 < 'infinity'),
    excess_return_252 double precision
        check (excess_return_252 > '-infinity' and excess_return_252 < 'infinity'),
    excess_total_return_1 double precision
        check (excess_total_return_1 > '-infinity' and excess_total_return_1 < 'infinity'),
    excess_total_return_5 double precision
        check (excess_total_return_5 > '-infinity' and excess_total_return_5 < 'infinity'),
    excess_total_return_21 double precision
        check (excess_total_return_21 > '-infinity' and excess_total_return_21 < 'infinity'),
    excess_total_return_63 double precision
        check (excess_total_return_63 > '-infinity' and excess_total_return_63 < 'infinity'),
    excess_total_return_126 double precision
        check (excess_total_return_126 > '-infinity' and excess_total_return_126 < 'infinity'),
    excess_total_return_252 double precision
        check (excess_total_return_252 > '-infinity' and excess_total_return_252 < 'infinity'),
    zscore_252 double precision check (zscore_252 > '-infinity' and zscore_252 < 'infinity'),
    rs_ratio double precision check (rs_ratio > '-infinity' and rs_ratio < 'infinity'),
    rs_momentum double precision check (rs_momentum > '-infinity' and rs_momentum < 'infinity'),
    quadrant text check (quadrant in ('leading', 'weakening', 'lagging', 'improving')),
    outperformance_streak integer not null check (outperformance_streak >= 0),
    beta_63 double precision check (beta_63 > '-infinity' and beta_63 < 'infinity'),
    correlation_63 double precision check (correlation_63 > '-infinity' and correlation_63 < 'infinity'),
    regime text not null check (regime in ('rotation', 'concentration', 'undetermined')),
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (pair, session_date)
);
create table history.rotation_metrics (
    like derived.rotation_metrics,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.rotation_metrics (pair, session_date);
