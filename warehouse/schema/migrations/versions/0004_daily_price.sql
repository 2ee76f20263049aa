-- Bars as traded: a later split changes no row here.
create table core.daily_price (
    instrument_id integer not null references core.instrument,
    session_date date not null,
    open double precision not null check (open > 0 and open < 'infinity'),
    high double precision not null check (high > 0 and high < 'infinity'),
    low double precision not null check (low > 0 and low < 'infinity'),
    close double precision not null check (close > 0 and close < 'infinity'),
    volume bigint check (volume >= 0),
    source text not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (instrument_id, session_date)
);
-- a day across all instruments is the other way this table is read; days arrive in order
create index on core.daily_price using brin (session_date);
create table history.daily_price (
    like core.daily_price,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.daily_price (instrument_id, session_date);
