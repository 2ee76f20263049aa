-- title: The rotation today
-- question: Five sentences, and one on what is missing
-- source: published.rotation_metrics, sector_breadth, refinancing_wall, macro_regime, claim_ledger,
--   coverage, freshness, valuation_gap, index_membership
-- empty: There are no sentences.
-- order: 0
with pair as (
    select
        *, (
            select min(session_date) from published.rotation_metrics as since
            where pair = 'IWM/SPY' and session_date > coalesce((
                select max(session_date) from published.rotation_metrics as earlier
                where pair = 'IWM/SPY' and earlier.regime is distinct from newest.regime
            ), '-infinity')
        ) as regime_since
    from published.rotation_metrics as newest
    where pair = 'IWM/SPY' order by session_date desc limit 1
),
breadth as (
    select * from published.sector_breadth
    where index_code = 'R2000' and sector = 'All' order by session_date desc limit 1
),
wall as (
    select
        max(as_of_date) as as_of_date, max(debt_coverage_pct) as coverage_pct,
        sum(principal_usd) filter (where due_year <= extract(year from as_of_date) + 1) as due_usd,
        sum(principal_usd) as principal_usd
    from published.refinancing_wall
    where index_code = 'R2000' and sector = 'All'
        and as_of_date = (select max(as_of_date) from published.refinancing_wall)
),
zombie as (
    select
        100 * coalesce(sum(total_debt_usd) filter (where is_zombie), 0)
            / sum(total_debt_usd) filter (where is_zombie is not null) as pct,
        100 * sum(total_debt_usd) filter (where is_zombie is not null)
            / sum(total_debt_usd) as known_for_pct
    from published.company_refinancing
    where index_code = 'R2000' and total_debt_usd > 0
        and as_of_date = (select max(as_of_date) from published.company_refinancing)
),
macro as (
    select * from published.macro_regime order by session_date desc limit 1
),
verdict as (
    select
        count(*) filter (where verdict = 'supported') as supported,
        count(*) filter (where verdict = 'contradicted') as contradicted,
        count(*) filter (where verdict = 'insufficient_data') as insufficient,
        count(*) as claims
    from published.claim_ledger
),
recent as (
    select sum(expected) as expected, sum(loaded) as loaded, sum(quarantined) as quarantined
    from published.coverage
    -- the day of the newest run: to ask the view for its newest session would take all of it
    where session_date > (select max(clock_at)::date - 30 from audit.run)
),
late as (
    select count(*) filter (where is_late) as late, count(*) as items from published.freshness
),
earnings as (
    select earnings_coverage_pct from published.valuation_gap
    where sector = 'All' order by as_of_date desc limit 1
),
first_members as (
    select min(as_of_date) as as_of_date from published.index_membership where index_code = 'R2000'
)
select 1 as place, coalesce((
    select format(
        'On %s the regime of small caps (IWM) against large caps (SPY) is %s, since %s: %s%s.',
        session_date, regime, regime_since,
        case
            when excess_return_63 is null
                then 'how far small caps are ahead over 63 sessions is not known'
            else format(
                'small caps are %s by %s points over 63 sessions',
                case when excess_return_63 >= 0 then 'ahead' else 'behind' end,
                round(abs(100 * excess_return_63)::numeric, 1)
            )
        end,
        case when outperformance_streak > 1
            then format(', and were ahead in each of the last %s sessions', outperformance_streak)
            else '' end
    ) from pair
), 'There are no prices of IWM and SPY.') as sentence
union all
select 2, coalesce((
    select format(
        'On %s, %s %% of the Russell 2000 members trade above their mean of 200 sessions (%s of %s'
        ' members have 200 closes); %s.',
        session_date, round(pct_above_200::numeric), eligible_200, members,
        case
            when eligible_252 > 0 then format(
                '%s are at a high of 252 sessions, %s at a low', new_highs_252, new_lows_252
            )
            else 'none has the 252 closes of a high or low'
        end
    ) from breadth where pct_above_200 is not null
), 'The breadth of the Russell 2000 is not known.')
union all
select 3, coalesce((
    select format(
        'As filed by %s, Russell 2000 companies owe %s billion USD with known due dates, of which'
        ' %s billion fall due by the end of %s; %s.',
        as_of_date, round((principal_usd / 1e9)::numeric, 1),
        round((coalesce(due_usd, 0) / 1e9)::numeric, 1), (extract(year from as_of_date) + 1)::integer,
        case
            when pct is null then 'how much zombies owe is not known'
            else format(
                '%s %% of all debt is of companies whose earnings are known; zombies, which do not'
                ' earn their interest, owe %s %% of that',
                round(known_for_pct::numeric), round(pct::numeric)
            )
        end
    ) from wall, zombie where principal_usd is not null
), 'The refinancing wall of the Russell 2000 is not known.')
union all
select 4, coalesce((
    select format(
        'As known on %s, %s, %s, and %s.', session_date,
        case
            when cpi_yoy_pct is null then 'the rise of consumer prices is not known'
            else format(
                'consumer prices rose %s %% in the year to %s', round(cpi_yoy_pct::numeric, 1),
                to_char(cpi_reference_month, 'FMMonth YYYY')
            )
        end,
        case
            when target_upper_pct is null then 'the target rate is not known'
            else format(
                'the target rate is %s %% (%s)', round(target_upper_pct::numeric, 2),
                coalesce(policy_phase, 'phase not known')
            )
        end,
        case
            when hy_oas_pct is null then 'the high-yield spread is not known'
            else format('the high-yield spread is %s points', round(hy_oas_pct::numeric, 1))
        end
    ) from macro
), 'Macro figures are not known.')
union all
select 5, format(
    'Of %s statements about the rotation the data support %s and contradict %s; for %s the data do'
    ' not suffice, and %s cannot be measured.',
    claims, supported, contradicted, insufficient,
    claims - supported - contradicted - insufficient
) from verdict
union all
select 6, concat_ws(
    ' ',
    coalesce((
        select format(
            '%s %% of the rows expected in the last 30 days (%s missing, %s quarantined);',
            round(100.0 * (expected - loaded) / expected, 2), expected - loaded - quarantined,
            quarantined
        ) from recent where expected > 0
    ), 'nothing was expected in the last 30 days;'),
    (select format('%s of %s datasets and series are late.', late, items) from late),
    (select format(
        'Due dates are known for %s %% of the debt%s.', round(coverage_pct::numeric),
        coalesce((
            select format(', earnings for %s %% of the weight', round(earnings_coverage_pct::numeric))
            from earnings where earnings_coverage_pct is not null
        ), '')
    ) from wall where coverage_pct is not null),
    (select format('Before %s the members of that day stand for the index (survivorship).', as_of_date)
        from first_members where as_of_date is not null)
)
order by place;
