-- statement: The rally of small caps is broad.
-- said: market commentary, early 2026
-- measure: members of the Russell 2000 above their mean of 50 sessions; second witness: equal weight
--   (RSP) less cap weight (SPY) over 63 sessions
-- unit: percent of the members; of the second witness percentage points
-- supported if: 50 % or more are above; the second witness is above 0
-- contradicted if: less than 50 % are above; the second witness is 0 or below
with breadth as (
    select session_date, pct_above_50, eligible_50, members
    from published.sector_breadth
    where index_code = 'R2000' and sector = 'All'
    order by session_date desc
    limit 1
),
equal_weight as (
    select session_date, 100 * excess_return_63 as excess_pct
    from published.rotation_metrics
    where pair = 'RSP/SPY'
    order by session_date desc
    limit 1
)
select
    witness.name as witness, witness.value as measured, witness.is_met,
    coalesce(witness.reason, witness.missing) as reason, witness.session_date as as_of_date
from (values (1)) as one
left join breadth on true
left join equal_weight on true
cross join lateral (
    values
        (
            1, 'R2000', breadth.pct_above_50, breadth.pct_above_50 >= 50,
            round(breadth.pct_above_50::numeric, 1) || ' % of ' || breadth.eligible_50
            || ' members with 50 closes are above their mean; the index has ' || breadth.members
            || ' members.',
            breadth.session_date, 'sector_breadth has no members of R2000 with 50 closes.'
        ),
        (
            2, 'RSP/SPY', equal_weight.excess_pct, equal_weight.excess_pct > 0,
            'RSP less SPY was ' || round(equal_weight.excess_pct::numeric, 1)
            || ' points over 63 sessions.',
            equal_weight.session_date, 'RSP/SPY has no return over 63 sessions.'
        )
) as witness (priority, name, value, is_met, reason, session_date, missing)
order by witness.priority;
