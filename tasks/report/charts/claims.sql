-- title: What is said, and what holds
-- question: Which statements about the rotation do the data support?
-- source: published.claim_ledger
-- empty: No statement was judged yet.
-- order: 90
select
    statement, replace(verdict, '_', ' ') as verdict,
    round(measured::numeric, 2)::double precision as measured, unit, reason as evidence, as_of_date,
    said as said_by, measure as how_measured, supported_if, contradicted_if, evidence_query
from published.claim_ledger
order by array_position(
    array['supported', 'contradicted', 'insufficient_data', 'not_measurable'], verdict
), claim_id;
