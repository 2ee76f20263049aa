-- Splits and dividends as rows; adjusted closes are read through the factors below.
create table core.corporate_action (
    instrument_id integer not null references core.instrument,
    ex_date date not null,
    kind text not null check (kind in ('split', 'dividend', 'capital_gain')),
    value core.finite check (value > 0),
    source text not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (instrument_id, ex_date, kind),
    -- a distribution of unknown size is a fact; a split of unknown ratio would be a hole
    check (value is not null or kind <> 'split')
);
call history.add_table('core.corporate_action', 'instrument_id, ex_date');
