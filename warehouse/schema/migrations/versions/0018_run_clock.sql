-- Whether an item was asked for since its source last had something new is a question of the clock
-- that the run went by; that of a tape is not the database's.
alter table audit.run add column clock_at timestamptz;
comment on column audit.run.clock_at is 'The instant that counted as now: when the run''s turn came, or what the tape''s clock said then. NULL in runs from before this column.';
comment on column audit.run.flow is 'The flow: prices, macro, holdings, derived, backfill (one run per chunk).';
