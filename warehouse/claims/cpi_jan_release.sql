-- statement: January 2026 CPI came on 11 February 2026 at 2.5 %, below the 2.9 % that was expected.
-- said: market commentary, February 2026
-- measure: release day and first-release change of CPIAUCNS over twelve months, not seasonally adjusted;
--   the reason names the consensus where consensus.csv has it
-- unit: percent
-- supported if: the first release is of 2026-02-11 and rounds to 2.5 %
-- contradicted if: it came on another day or rounds to another figure
with release as (
    select vintage_date, value
    from published.macro_first_release
    where series_id = 'CPIAUCNS' and observation_date = '2026-01-01'
),
before as (
    select distinct on (observation_date) value
    from published.macro_observation
    where series_id = 'CPIAUCNS' and observation_date = '2025-01-01'
        and vintage_date <= (select vintage_date from release)
    order by observation_date, vintage_date desc
),
change as (
    select release.vintage_date, 100 * (release.value / before.value - 1) as change_pct
    from release
    cross join before
),
forecast as (
    select max(consensus_pct) as consensus_pct, max(consensus_source) as source
    from published.release_reaction
    where release = 'cpi' and reference_date = '2026-01-01'
)
select
    'CPIAUCNS' as witness, change_pct as measured,
    vintage_date = '2026-02-11' and round(change_pct::numeric, 1) = 2.5 as is_met,
    format(
        'First released on %s: %s %% over twelve months; %s.', vintage_date,
        round(change_pct::numeric, 2), coalesce(
            'consensus ' || forecast.consensus_pct || ' % (' || forecast.source || ')',
            'consensus.csv has no forecast'
        )
    ) as reason,
    vintage_date as as_of_date
from change
cross join forecast
union all
select
    'CPIAUCNS', null, null,
    format(
        'CPIAUCNS of January 2026 or January 2025 is not there; the newest month is %s.',
        coalesce(max(observation_date)::text, 'none')
    ),
    null
from published.macro_latest
where series_id = 'CPIAUCNS' and value is not null
having not exists (select from change);
