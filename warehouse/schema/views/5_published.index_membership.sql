create or replace view published.index_membership as
select
    index_code, ticker, name, sector, weight_pct::double precision as weight_pct,
    weight_pct_filed::double precision as weight_pct_filed, shares::double precision as shares,
    market_value_usd::double precision as market_value_usd,
    price_usd::double precision as price_usd, exchange, cusip, isin, lei, fund, as_of_date, known_from, source, loaded_at
from core.index_membership;
comment on view published.index_membership is
'One row per index, ticker and day of a snapshot: a holdings file, or a quarterly report to the SEC (source nport). Members on a session: the newest as_of_date whose known_from is not after it.';

create or replace function as_of.index_membership(at timestamptz)
returns table (
    index_code text, ticker text, name text, sector text, weight_pct double precision,
    weight_pct_filed double precision, shares double precision, market_value_usd double precision,
    price_usd double precision, exchange text, cusip text, isin text, lei text, fund text, as_of_date date, known_from date,
    source text, loaded_at timestamptz
) language sql stable parallel safe as $$
    select
        index_code, ticker, name, sector, weight_pct, weight_pct_filed, shares, market_value_usd,
        price_usd, exchange, cusip, isin, lei, fund, as_of_date, known_from, source, loaded_at
    from as_of.index_membership_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.index_membership is 'published.index_membership as stored at the instant.';
