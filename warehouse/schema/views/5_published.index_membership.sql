create or replace view published.index_membership as
select
    index_code, ticker, name, sector, weight_pct, weight_pct_filed, shares, market_value_usd,
    price_usd, exchange, fund, as_of_date, known_from, source, loaded_at
from core.index_membership;
comment on view published.index_membership is
'One row per index, ticker and day of a holdings file. Members on a session: the newest as_of_date whose known_from is not after it.';
