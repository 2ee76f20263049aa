-- Roles belong to the server, not to one database: warehouse/schema/roles.py creates them.
create schema core;
comment on schema core is 'Validated facts, one row per key, newest knowledge. Not for consumers: query published.';
create schema history;
comment on schema history is 'A table per written table, with its superseded rows.';
create schema derived;
comment on schema derived is 'Tables computed from core; can be rebuilt from it at any time.';
create schema published;
comment on schema published is 'The views that consumers may rely on: names, grain, units and formulae are fixed.';
create schema as_of;
comment on schema as_of is 'The same tables as the warehouse stored them at a given instant.';

-- exists already: Alembic records the revision in it
comment on schema audit is 'What happened: runs, fetches, loads, changes, validation results and the quarantined rows.';

revoke create on schema public from public;
grant usage on schema core, history, derived, audit to rotation_loader;
grant usage on schema published, as_of, audit to rotation_reader, rotation_loader;
alter default privileges in schema core grant select, insert, update, delete on tables to rotation_loader;
alter default privileges in schema history grant select, insert on tables to rotation_loader;
alter default privileges in schema derived grant select, insert, update, delete on tables to rotation_loader;
alter default privileges in schema audit grant select, insert, update, delete on tables to rotation_loader;
alter default privileges in schema audit grant select on tables to rotation_reader;
alter default privileges in schema published grant select on tables to rotation_reader, rotation_loader;
alter default privileges in schema as_of grant select on tables to rotation_reader, rotation_loader;

-- Refuses NaN, too, which sorts above infinity.
create domain core.finite as double precision check (value > '-infinity' and value < 'infinity');
comment on domain core.finite is 'A number that is neither NaN nor infinite.';

-- Factors of splits and dividends are products; PostgreSQL has no such aggregate, and
-- exp(sum(ln(x))) would lose the last digits.
create aggregate as_of.product(double precision) (sfunc = float8mul, stype = double precision, initcond = '1');
comment on aggregate as_of.product(double precision) is 'The product of its inputs, multiplied in the order given.';

-- older than the default privileges above
grant select on audit.migration to rotation_reader, rotation_loader;
comment on table audit.migration is 'The schema revision of this database, written by Alembic.';
comment on column audit.migration.version_num is 'The number of the newest applied revision.';
