-- title: What is said, and what holds
-- question: Which statements about the rotation do the data support?
-- source: published.claim_ledger
-- order: 90
select
    statement, verdict, round(measured::numeric, 2)::double precision as measured, unit, reason,
    as_of_date, supported_if, said, evidence_query
from published.claim_ledger
order by array_position(
    array['supported', 'contradicted', 'insufficient_data', 'not_measurable'], verdict
), claim_id;
