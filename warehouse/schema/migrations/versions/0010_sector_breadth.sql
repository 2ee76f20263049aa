-- Who takes part. Written by tasks/derive/sector_breadth.py only.
create table derived.sector_breadth (
    index_code text not null,
    sector text not null,
    session_date date not null,
    members integer not null check (members > 0),
    priced integer not null check (priced between 0 and members),
    advancers integer not null check (advancers >= 0),
    decliners integer not null check (decliners >= 0),
    unchanged integer not null check (unchanged >= 0),
    advancing_volume bigint not null check (advancing_volume >= 0),
    declining_volume bigint not null check (declining_volume >= 0),
    eligible_20 integer not null check (eligible_20 between 0 and members),
    eligible_50 integer not null check (eligible_50 between 0 and members),
    eligible_200 integer not null check (eligible_200 between 0 and members),
    eligible_252 integer not null check (eligible_252 between 0 and members),
    pct_above_20 double precision check (pct_above_20 between 0 and 100),
    pct_above_50 double precision check (pct_above_50 between 0 and 100),
    pct_above_200 double precision check (pct_above_200 between 0 and 100),
    new_highs_252 integer not null check (new_highs_252 between 0 and eligible_252),
    new_lows_252 integer not null check (new_lows_252 between 0 and eligible_252),
    ad_line bigint not null,
    mcclellan_ema_19 double precision check (mcclellan_ema_19 between -1000 and 1000),
    mcclellan_ema_39 double precision check (mcclellan_ema_39 between -1000 and 1000),
    mcclellan_oscillator double precision check (mcclellan_oscillator between -2000 and 2000),
    mcclellan_summation double precision
        check (mcclellan_summation > '-infinity' and mcclellan_summation < 'infinity'),
    trin double precision check (trin >= 0 and trin < 'infinity'),
    thrust_ema_10 double precision check (thrust_ema_10 between 0 and 1),
    thrust_sessions_since_low integer check (thrust_sessions_since_low >= 0),
    is_zweig_thrust boolean,
    equal_weight_return double precision
        check (equal_weight_return >= -1 and equal_weight_return < 'infinity'),
    cap_weight_return double precision
        check (cap_weight_return >= -1 and cap_weight_return < 'infinity'),
    membership_as_of date not null,
    is_backcast boolean not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (index_code, sector, session_date),
    check (advancers + decliners + unchanged = priced)
);
create table history.sector_breadth (
    like derived.sector_breadth,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.sector_breadth (index_code, sector, session_date);

-- The newest snapshot known by a day, and all of its members: found without a look at the others.
create index on core.index_membership (index_code, as_of_date, known_from);
