create or replace view published.claim_verdict as
select
    claim_id, verdict, previous_verdict, measured::double precision as measured, reason,
    as_of_date, loaded_at as changed_at, run_id
from (
    select
        version.*, lag(verdict) over (partition by claim_id order by loaded_at) as previous_verdict
    from as_of.claim_ledger_version as version
) as version
where verdict is distinct from previous_verdict;
comment on view published.claim_verdict is
'One row per claim and change of its verdict, the first verdict included.';
comment on column published.claim_verdict.claim_id is 'The claim: claim_ledger.claim_id.';
comment on column published.claim_verdict.verdict is 'The verdict from then on.';
comment on column published.claim_verdict.previous_verdict is 'The verdict before. NULL: it is the first.';
comment on column published.claim_verdict.measured is 'The measured value behind the new verdict, in claim_ledger.unit. NULL: the data did not suffice.';
comment on column published.claim_verdict.reason is 'The figures behind the new verdict.';
comment on column published.claim_verdict.as_of_date is 'Last day of the data behind the new verdict. NULL: the data did not suffice.';
comment on column published.claim_verdict.changed_at is 'When the verdict was loaded.';
comment on column published.claim_verdict.run_id is 'The run that loaded it: audit.run.';
