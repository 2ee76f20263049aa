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
comment on column derived.adjustment_factor.dividend_multiplier is '1 - cash / previous close, both per share of the ex-date; 1 without cash, or with no earlier close. NULL: the amount paid is unknown (the distribution was quarantined, or is not below the previous close).';
comment on column derived.adjustment_factor.split_factor is 'Product of the split steps of this and all later ex-dates.';
comment on column derived.adjustment_factor.total_return_factor is 'Product of the split and dividend steps of this and all later ex-dates; NULL where one of them is unknown.';
