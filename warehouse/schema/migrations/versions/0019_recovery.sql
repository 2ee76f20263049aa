-- A run that someone ended on purpose is neither a failure nor a death.
alter table audit.run drop constraint run_state_check;
alter table audit.run add constraint run_state_check
    check (state in ('running', 'completed', 'degraded', 'failed', 'cancelled', 'crashed'));
comment on column audit.run.state is 'running, completed, degraded (something is missing, see detail), failed (it brought nothing, or an error ended it), cancelled (someone ended it, between two batches), or died (the process ended without a word).';
comment on column audit.run.detail is 'What the run did and what brought nothing, for people; the error where it failed: in words where they are ours, else its class alone.';

-- A connection lost in the middle of a commit leaves open whether it took place: the batch's own
-- row, written in its transaction, tells.
create table audit.batch (
    batch_id uuid primary key,
    run_id bigint not null references audit.run,
    committed_at timestamptz not null default clock_timestamp()
);
comment on table audit.batch is 'One row per transaction in which a run wrote facts or derived rows.';
comment on column audit.batch.batch_id is 'A number drawn by the run: it tells whether a commit that got no answer took place.';
comment on column audit.batch.run_id is 'The run that wrote.';
comment on column audit.batch.committed_at is 'When the transaction began to write; it was committed within the time that took.';
