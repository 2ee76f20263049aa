-- One snapshot per fund file or report to the SEC: who was in the index, as the fund held it.
create table core.index_membership (
    index_code text not null check (index_code ~ '^[A-Z0-9]{2,12}$'),
    instrument_id integer not null,
    as_of_date date not null,
    ticker text not null,
    name text not null,
    sector text,
    weight_pct core.finite not null check (weight_pct > 0 and weight_pct <= 100),
    weight_pct_filed core.finite check (weight_pct_filed >= -100 and weight_pct_filed <= 100),
    shares core.finite check (shares >= 0),
    market_value_usd core.finite not null check (market_value_usd > 0),
    price_usd core.finite check (price_usd >= 0),
    exchange text,
    cusip text check (cusip ~ '^[0-9A-Z*@#]{9}$'),
    isin text check (isin ~ '^[A-Z]{2}[0-9A-Z]{9}[0-9]$'),
    lei text,
    fund text not null,
    known_from date not null check (known_from > as_of_date),
    source text not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (index_code, instrument_id, as_of_date)
);
create index on core.index_membership (index_code, known_from);
-- The newest snapshot known by a day, and all of its members: found without a look at the others.
create index on core.index_membership (index_code, as_of_date, known_from);
call history.add_reference('core.index_membership', 'instrument_id', 'core.instrument', 'instrument_id');
call history.add_table('core.index_membership', 'index_code, instrument_id, as_of_date');
