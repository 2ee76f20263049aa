-- Claims with their newest verdict. Derived by tasks/derive/claims/claim_ledger.py.
create table derived.claim_ledger (
    claim_id text not null,
    statement text not null,
    said text not null,
    measure text not null,
    verdict text not null
        check (verdict in ('supported', 'contradicted', 'insufficient_data', 'not_measurable')),
    measured core.finite,
    unit text not null,
    reason text not null,
    witness text,
    second_witness text,
    second_measured core.finite,
    supported_if text not null,
    contradicted_if text not null,
    as_of_date date,
    evidence_query text not null,
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (claim_id)
);
call history.add_table('derived.claim_ledger', 'claim_id');
