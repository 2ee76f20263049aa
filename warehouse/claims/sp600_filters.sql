-- statement: The S&P 600 keeps loss-making companies out, which the Russell 2000 does not.
-- said: market commentary, early 2026
-- measure: members with a net loss over the last four quarters, S&P 600 against Russell 2000, by count
-- unit: percent of the S&P 600
-- supported if: the share in the S&P 600 is at most half of that in the Russell 2000, with figures for
--   at least 60 % of the members of both
-- contradicted if: it is more than half
with member as (
    select * from published.index_company
    where index_code in ('R2000', 'SP600')
        and as_of_date = (select max(as_of_date) from published.company_refinancing)
),
share as (
    select
        max(as_of_date) as as_of_date,
        100.0 * count(*) filter (where is_unprofitable and index_code = 'SP600')
            / nullif(count(is_unprofitable) filter (where index_code = 'SP600'), 0) as sp600_pct,
        100.0 * count(*) filter (where is_unprofitable and index_code = 'R2000')
            / nullif(count(is_unprofitable) filter (where index_code = 'R2000'), 0) as r2000_pct,
        least(
            100.0 * count(is_unprofitable) filter (where index_code = 'SP600')
                / nullif(count(*) filter (where index_code = 'SP600'), 0),
            100.0 * count(is_unprofitable) filter (where index_code = 'R2000')
                / nullif(count(*) filter (where index_code = 'R2000'), 0)
        ) as coverage_pct,
        count(*) filter (where index_code = 'SP600') as sp600_members
    from member
)
select
    'SP600' as witness, sp600_pct::double precision as measured,
    case when coverage_pct >= 60 and sp600_members > 0 then sp600_pct <= r2000_pct / 2 end as is_met,
    case
        when sp600_members = 0 then 'The S&P 600 is not followed: add IJR to ROTATION_FUNDS.'
        else format(
            'S&P 600 %s %%, Russell 2000 %s %%, known for at least %s %% of the members.',
            round(sp600_pct, 1), round(r2000_pct, 1), round(coverage_pct, 1)
        )
    end as reason,
    as_of_date
from share;
