-- One snapshot per fund file: who was in the index, as the fund held it.
create table core.index_membership (
    index_code text not null check (index_code ~ '^[A-Z0-9]{2,12}$'),
    instrument_id integer not null references core.instrument,
    as_of_date date not null,
    ticker text not null,
    name text not null,
    sector text,
    weight_pct double precision not null check (weight_pct > 0 and weight_pct <= 100),
    weight_pct_filed double precision check (weight_pct_filed >= -100 and weight_pct_filed <= 100),
    shares double precision check (shares >= 0 and shares < 'infinity'),
    market_value_usd double precision not null
        check (market_value_usd > 0 and market_value_usd < 'infinity'),
    price_usd double precision check (price_usd >= 0 and price_usd < 'infinity'),
    exchange text not null,
    fund text not null,
    known_from date not null check (known_from > as_of_date),
    source text not null,
    loaded_at timestamptz not null,
    run_id bigint not null references audit.run,
    primary key (index_code, instrument_id, as_of_date)
);
create index on core.index_membership (index_code, known_from);
create table history.index_membership (
    like core.index_membership,
    superseded_at timestamptz not null,
    superseded_by bigint not null references audit.run
);
create index on history.index_membership (index_code, instrument_id, as_of_date);
