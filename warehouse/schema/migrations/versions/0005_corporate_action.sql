-- Splits and dividends as rows; adjusted closes are read through the factors below.
create table core.corporate_action (
    instrument_id integer not null references core.instrument,
    ex_date date not null,
    kind text not null check (kind in ('split', 'dividend', 'capital_gain')),
    value double precision check (value > 0 and value < 'infinity'),
    source text not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (instrument_id, ex_date, kind),
    -- a distribution of unknown size is a fact; a split of unknown ratio would be a hole
    check (value is not null or kind <> 'split')
);
create table history.corporate_action (
    like core.corporate_action,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.corporate_action (instrument_id, ex_date);

-- The factors follow from the actions and the closes before them, and are rewritten in the same
-- transaction as those: readers never see a split without its factor. No history twin: what they
-- were at an instant follows from as_of.corporate_action.
create table derived.adjustment_factor (
    instrument_id integer not null references core.instrument,
    ex_date date not null,
    split_multiplier double precision not null check (split_multiplier > 0 and split_multiplier < 'infinity'),
    dividend_multiplier double precision check (dividend_multiplier > 0 and dividend_multiplier <= 1),
    split_factor double precision not null check (split_factor > 0 and split_factor < 'infinity'),
    total_return_factor double precision
        check (total_return_factor > 0 and total_return_factor < 'infinity'),
    primary key (instrument_id, ex_date)
);
comment on table derived.adjustment_factor is 'One row per instrument and ex-date: what to multiply the sessions before it by, up to the previous ex-date.';
comment on column derived.adjustment_factor.instrument_id is 'The instrument.';
comment on column derived.adjustment_factor.ex_date is 'The first session that trades without the right.';
comment on column derived.adjustment_factor.split_multiplier is 'Old shares per new share on this ex-date; 1 without a split.';
comment on column derived.adjustment_factor.dividend_multiplier is '1 - cash / previous close, both per share of the ex-date; 1 without cash, or where no earlier close is held. NULL where what was paid is unknown: the vendor lists a distribution that validation set aside, or one that is not below the previous close.';
comment on column derived.adjustment_factor.split_factor is 'Product of the split steps of this and all later ex-dates.';
comment on column derived.adjustment_factor.total_return_factor is 'Product of the split and dividend steps of this and all later ex-dates; NULL where one of them is unknown.';
