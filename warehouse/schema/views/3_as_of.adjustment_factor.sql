-- The factors as they follow from the actions and closes stored at an instant, for all instruments
-- or for some. The loader fills derived.adjustment_factor from it with `infinity`: one formula.
create or replace function as_of.adjustment_factor(
    at timestamptz, instruments integer[] default null
) returns table (
    instrument_id integer, ex_date date, split_multiplier double precision,
    dividend_multiplier double precision, split_factor double precision,
    total_return_factor double precision
) language sql stable parallel safe as $$
    with ex_day as (
        select
            action.instrument_id, action.ex_date,
            coalesce(max(action.value) filter (where action.kind = 'split'), 1) as split_ratio,
            -- NULL where one amount is unknown
            case
                when not bool_or(action.value is null)
                    then coalesce(
                        sum(action.value order by action.kind) filter (where action.kind <> 'split'), 0
                    )
            end as cash_usd
        from as_of.corporate_action_version as action
        where action.loaded_at <= at
            and (action.superseded_at > at or action.superseded_at = 'infinity')
            and (instruments is null or action.instrument_id = any (instruments))
        group by action.instrument_id, action.ex_date
    ),
    step as (
        select
            ex_day.instrument_id, ex_day.ex_date,
            1 / ex_day.split_ratio as split_multiplier,
            -- cash is paid per share of the ex-date, so the close before is put into those shares
            case
                when previous.close is null then 1
                -- cash that is not below it can't be what was paid
                when ex_day.cash_usd / (previous.close / ex_day.split_ratio) < 1
                    then 1 - ex_day.cash_usd / (previous.close / ex_day.split_ratio)
            end as dividend_multiplier
        from ex_day
        left join lateral (
            select bar.close
            from as_of.daily_price_version as bar
            where bar.instrument_id = ex_day.instrument_id and bar.session_date < ex_day.ex_date
                and bar.loaded_at <= at
                and (bar.superseded_at > at or bar.superseded_at = 'infinity')
            order by bar.session_date desc
            limit 1
        ) as previous on true
    )
    select
        instrument_id, ex_date, split_multiplier, dividend_multiplier,
        as_of.product(split_multiplier) over later,
        -- the product would pass over a NULL
        case
            when not bool_or(dividend_multiplier is null) over later
                then as_of.product(split_multiplier * dividend_multiplier) over later
        end
    from step
    window later as (
        partition by instrument_id order by ex_date desc rows unbounded preceding
    )
$$;
comment on function as_of.adjustment_factor is 'One row per instrument and ex-date: derived.adjustment_factor as it follows from what was stored at the instant.';
