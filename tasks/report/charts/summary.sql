-- title: The rotation today
-- question: Six sentences
-- source: published.rotation_metrics, sector_breadth, refinancing_wall, macro_regime, coverage
-- order: 0
with pair as (
    select * from published.rotation_metrics
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
macro as (
    select * from published.macro_regime order by session_date desc limit 1
),
verdict as (
    select
        count(*) filter (where verdict = 'supported') as supported,
        count(*) filter (where verdict = 'contradicted') as contradicted,
        count(*) as claims
    from published.claim_ledger
)
select 1 as place, coalesce((
    select format(
        'On %s the regime of IWM against SPY is %s: small caps are %s %s points over 63 sessions%s.',
        session_date, regime, case when excess_return_63 >= 0 then 'ahead by' else 'behind by' end,
        round(abs(100 * excess_return_63)::numeric, 1),
        case when outperformance_streak > 1
            then format(', and were ahead in each of the last %s sessions', outperformance_streak)
            else '' end
    ) from pair
), 'There are no prices of IWM and SPY.') as sentence
union all
select 2, coalesce((
    select format(
        '%s %% of the Russell 2000 members trade above their mean of 200 sessions (%s of %s members'
        ' have 200 closes); %s are at a 252-session high, %s at a low.',
        round(pct_above_200::numeric), eligible_200, members, new_highs_252, new_lows_252
    ) from breadth where pct_above_200 is not null
), 'The breadth of the Russell 2000 is not known.')
union all
select 3, coalesce((
    select format(
        'Of %s billion USD of debt with known dates of Russell 2000 companies %s billion falls due by'
        ' the end of %s; the schedules explain %s %% of the known debt.',
        round((principal_usd / 1e9)::numeric, 1), round((coalesce(due_usd, 0) / 1e9)::numeric, 1),
        (extract(year from as_of_date) + 1)::integer, round(coverage_pct::numeric)
    ) from wall where principal_usd is not null
), 'The refinancing wall of the Russell 2000 is not known.')
union all
select 4, coalesce((
    select format(
        'Consumer prices rose %s %% in the year to %s, the target rate is %s %% (%s), and the'
        ' high-yield spread is %s points.',
        coalesce(round(cpi_yoy_pct::numeric, 1)::text, 'an unknown'),
        coalesce(to_char(cpi_reference_month, 'FMMonth YYYY'), 'an unknown month'),
        coalesce(round(target_upper_pct::numeric, 2)::text, 'unknown:'), coalesce(policy_phase, 'phase not known'),
        coalesce(round(hy_oas_pct::numeric, 1)::text, 'unknown')
    ) from macro
), 'Macro figures are not known.')
union all
select 5, format(
    'Of %s statements about the rotation %s are supported by the data and %s contradicted; for the'
    ' others the data do not suffice.', claims, supported, contradicted
) from verdict
union all
select 6, coalesce((
    select format(
        'Of the rows expected in the last 30 days %s %% are there: %s are missing and %s quarantined.',
        round(100.0 * sum(loaded) / nullif(sum(expected), 0), 2),
        sum(expected - loaded - quarantined), sum(quarantined)
    )
    from published.coverage
    where session_date > (select max(session_date) - 30 from published.coverage)
    having sum(expected) > 0
), 'Nothing was expected yet.')
order by place;
