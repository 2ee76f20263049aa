-- statement: Biotech shares rise when interest rates fall, and fall when they rise.
-- said: market commentary, early 2026
-- measure: return of XBI per rise of the 10-year Treasury yield by 100 basis points, regression over 252
--   sessions (beta of published.rate_sensitivity); second witness: 2-year yield
-- unit: percent per 100 basis points
-- supported if: the beta is at least two standard errors below 0
-- contradicted if: the beta is less than two standard errors below 0, or above 0
with newest as (
    select * from published.rate_sensitivity
    where subject = 'XBI'
    order by session_date desc
    limit 1
)
select
    witness.name as witness, witness.beta_pct as measured,
    witness.beta_pct <= -2 * witness.error_pct as is_met,
    case
        when newest.session_date is null then 'XBI has no row in rate_sensitivity.'
        when witness.beta_pct is null then format(
            '%s: only %s of 252 sessions to %s have a return of XBI and a change of the yield.',
            witness.name, witness.sessions, newest.session_date
        )
        else format(
            '%s: XBI moved %s %% per 100 basis points, standard error %s, over 252 sessions to %s.',
            witness.name, round(witness.beta_pct::numeric, 2),
            round(witness.error_pct::numeric, 2), newest.session_date
        )
    end as reason,
    newest.session_date as as_of_date
from (values (1)) as one
left join newest on true
cross join lateral (
    values
        (1, 'DGS10', beta_dgs10_252_pct, se_dgs10_252_pct, n_dgs10_252),
        (2, 'DGS2', beta_dgs2_252_pct, se_dgs2_252_pct, n_dgs2_252)
) as witness (priority, name, beta_pct, error_pct, sessions)
order by witness.priority;
