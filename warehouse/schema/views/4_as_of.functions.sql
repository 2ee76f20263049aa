-- select * from as_of.<table>('2026-02-13 22:00+00'): the rows as the warehouse held them then,
-- with the columns of the published view of that name.
create or replace function as_of.corporate_action(at timestamptz)
returns table (
    ticker text, ex_date date, kind text, value double precision, source text,
    loaded_at timestamptz
) language sql stable parallel safe as $$
    select ticker, ex_date, kind, value, source, loaded_at
    from as_of.corporate_action_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.corporate_action is 'published.corporate_action as held at the instant.';

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
comment on function as_of.daily_price is 'published.daily_price as held at the instant, adjusted by the actions held then.';

create or replace function as_of.macro_observation(at timestamptz)
returns table (
    series_id text, observation_date date, vintage_date date, value double precision,
    missing_reason text, source text, loaded_at timestamptz
) language sql stable parallel safe as $$
    select series_id, observation_date, vintage_date, value, missing_reason, source, loaded_at
    from as_of.macro_observation_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.macro_observation is 'published.macro_observation as held at the instant.';

create or replace function as_of.index_membership(at timestamptz)
returns table (
    index_code text, ticker text, name text, sector text, weight_pct double precision,
    weight_pct_filed double precision, shares double precision, market_value_usd double precision,
    price_usd double precision, exchange text, fund text, as_of_date date, known_from date,
    source text, loaded_at timestamptz
) language sql stable parallel safe as $$
    select
        index_code, ticker, name, sector, weight_pct, weight_pct_filed, shares, market_value_usd,
        price_usd, exchange, fund, as_of_date, known_from, source, loaded_at
    from as_of.index_membership_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.index_membership is 'published.index_membership as held at the instant.';

create or replace function as_of.rotation_metrics(at timestamptz)
returns setof published.rotation_metrics language sql stable parallel safe as $$
    select
        pair, session_date, ratio, ratio_sma_50, ratio_sma_200, ratio_drawdown_252,
        excess_return_1, excess_return_5, excess_return_21, excess_return_63, excess_return_126,
        excess_return_252, excess_total_return_1, excess_total_return_5, excess_total_return_21,
        excess_total_return_63, excess_total_return_126, excess_total_return_252, zscore_252,
        rs_ratio, rs_momentum, quadrant, outperformance_streak, beta_63, correlation_63, regime,
        loaded_at
    from as_of.rotation_metrics_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.rotation_metrics is 'published.rotation_metrics as held at the instant.';

create or replace function as_of.index_concentration(at timestamptz)
returns setof published.index_concentration language sql stable parallel safe as $$
    select
        index_code, as_of_date, known_from, members, top_10_weight_pct, hhi,
        effective_members, magnificent_seven_weight_pct, loaded_at
    from as_of.index_concentration_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.index_concentration is 'published.index_concentration as held at the instant.';

create or replace function as_of.sector_breadth(at timestamptz)
returns setof published.sector_breadth language sql stable parallel safe as $$
    select
        index_code, sector, session_date, members, priced, advancers, decliners,
        unchanged, advancing_volume, declining_volume, eligible_20, eligible_50,
        eligible_200, eligible_252, pct_above_20, pct_above_50, pct_above_200,
        new_highs_252, new_lows_252, ad_line, mcclellan_ema_19, mcclellan_ema_39,
        mcclellan_oscillator, mcclellan_summation, trin, thrust_ema_10,
        thrust_sessions_since_low, is_zweig_thrust, equal_weight_return,
        cap_weight_return, membership_as_of, is_backcast, loaded_at
    from as_of.sector_breadth_version as version
    where version.loaded_at <= at and (version.superseded_at > at or version.superseded_at = 'infinity')
$$;
comment on function as_of.sector_breadth is 'published.sector_breadth as held at the instant.';
