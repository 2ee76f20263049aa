create or replace view published.daily_price as
select
    ticker.ticker, bar.session_date, bar.open::double precision as open,
    bar.high::double precision as high, bar.low::double precision as low,
    bar.close::double precision as close, bar.volume,
    coalesce(factor.split_factor, 1) as split_factor,
    bar.close * coalesce(factor.split_factor, 1) as close_split_adjusted,
    bar.close * case when factor.ex_date is null then 1 else factor.total_return_factor end
        as close_total_return,
    bar.source, bar.loaded_at
from core.daily_price as bar
join core.ticker as ticker
    on ticker.instrument_id = bar.instrument_id
    and ticker.valid_from <= bar.session_date and bar.session_date < ticker.valid_to
left join lateral (
    select ex_date, split_factor, total_return_factor
    from derived.adjustment_factor as later
    where later.instrument_id = bar.instrument_id and later.ex_date > bar.session_date
    order by later.ex_date
    limit 1
) as factor on true;
comment on view published.daily_price is
'One row per ticker and XNYS session. Prices and volume as traded that day: a later split changes none of them.';
comment on column published.daily_price.ticker is 'The symbol in force on that session, in Yahoo''s spelling.';
comment on column published.daily_price.split_factor is 'Multiply an as-traded price by it to express it in today''s shares; divide a volume by it.';
comment on column published.daily_price.close_split_adjusted is 'USD per share of today: close times split_factor.';
comment on column published.daily_price.close_total_return is 'USD, split- and dividend-adjusted, proportional method: each ex-date scales all earlier closes by 1 - cash / previous close. Capital gains count as cash. Moves with every new dividend: use it for returns, not as a price. NULL: before an ex-date whose distribution is of unknown size (corporate_action.value is NULL).';

create or replace function as_of.daily_price(at timestamptz)
returns table (
    ticker text, session_date date, open double precision, high double precision,
    low double precision, close double precision, volume bigint,
    split_factor double precision, close_split_adjusted double precision,
    close_total_return double precision, source text, loaded_at timestamptz
) language sql stable parallel safe as $$
    with factor as materialized (
        select
            instrument_id, ex_date, split_factor, total_return_factor,
            coalesce(lag(ex_date) over (partition by instrument_id order by ex_date), '-infinity')
                as valid_from
        from as_of.adjustment_factor(at)
    )
    select
        bar.ticker, bar.session_date, bar.open, bar.high, bar.low, bar.close, bar.volume,
        coalesce(factor.split_factor, 1),
        bar.close * coalesce(factor.split_factor, 1),
        bar.close * case when factor.ex_date is null then 1 else factor.total_return_factor end,
        bar.source, bar.loaded_at
    from as_of.daily_price_version as bar
    left join factor
        on factor.instrument_id = bar.instrument_id
        and factor.valid_from <= bar.session_date and bar.session_date < factor.ex_date
    where bar.loaded_at <= at and (bar.superseded_at > at or bar.superseded_at = 'infinity')
$$;
comment on function as_of.daily_price is 'published.daily_price as stored at the instant, adjusted by the actions stored then.';
