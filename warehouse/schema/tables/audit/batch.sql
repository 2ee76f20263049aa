-- A connection lost in the middle of a commit leaves open whether it took place: the batch's own
-- row, written in its transaction, tells.
create table audit.batch (
    batch_id uuid primary key,
    run_id bigint not null references audit.run,
    committed_at timestamptz not null default clock_timestamp()
);
