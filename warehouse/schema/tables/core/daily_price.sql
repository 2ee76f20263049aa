-- Bars as traded: a later split changes no row here.
create table core.daily_price (
    instrument_id integer not null,
    session_date date not null,
    open core.finite not null check (open > 0),
    high core.finite not null check (high > 0),
    low core.finite not null check (low > 0),
    close core.finite not null check (close > 0),
    volume bigint check (volume >= 0),
    source text not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (instrument_id, session_date)
);
-- a day across all instruments is the other way this table is read; days arrive in order
create index on core.daily_price using brin (session_date);
call history.add_reference('core.daily_price', 'instrument_id', 'core.instrument', 'instrument_id');
call history.add_table('core.daily_price', 'instrument_id, session_date');
