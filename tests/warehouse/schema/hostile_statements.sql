alter role rotation_sql password 'x'
alter role current_user password null
alter role rotation_sql set search_path = nowhere
alter role rotation_sql set statement_timeout = 1
alter role rotation_sql set default_transaction_read_only = off
alter role rotation_sql set log_min_messages = debug5
alter role rotation_sql set role = rotation_reader
alter role rotation_sql set work_mem = '2GB'
do $$ begin execute format('alter role rotation_sql in database %I set search_path = nowhere', current_database()); end $$
alter role rotation_sql reset all
alter role rotation_sql connection limit 1
alter role rotation_sql nologin
alter role rotation_sql valid until '2000-01-01'
alter role rotation_sql rename to other
alter role rotation_reader password 'x'
alter role rotation_reader login
alter role rotation_reader set search_path = nowhere
alter role rotation_reader set statement_timeout = 1
alter role anna password 'x'
alter role anna set search_path = nowhere
alter role anna nologin
alter role rotation_loader password 'x'
alter role rotation_loader set statement_timeout = 1
alter role rotation_owner set search_path = nowhere
alter role all set statement_timeout = 1
drop role anna
drop role rotation_reader
drop owned by rotation_reader
drop owned by rotation_sql
drop owned by anna
reassign owned by rotation_reader to rotation_sql
revoke rotation_reader from anna
revoke rotation_reader from rotation_sql
grant rotation_reader to rotation_loader
grant rotation_sql to anna
alter default privileges for role rotation_reader grant all on tables to public
alter default privileges for role rotation_owner revoke select on tables from rotation_reader
revoke select on published.daily_price from rotation_reader
revoke usage on schema published from rotation_reader
revoke connect on database postgres from rotation_reader
do $$ begin execute format('alter database %I set search_path = nowhere', current_database()); end $$
do $$ begin execute format('alter database %I connection limit 0', current_database()); end $$
set role rotation_reader
set session authorization anna
notify rotation_published, 'made up'
select pg_notify('rotation_published', 'made up')
select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user
select pg_cancel_backend(pid) from pg_stat_activity where usename <> current_user
select pg_advisory_lock(7203115001)
lock table audit.run in access exclusive mode
select * from audit.run for update
update audit.run set state = 'failed'
delete from audit.load
create temporary table core_daily_price as select 1 as x
create schema rotation_sql
create function pg_temp.now() returns timestamptz language sql as 'select null::timestamptz'
prepare transaction 'mine'
select set_config('search_path', 'nowhere', false)
