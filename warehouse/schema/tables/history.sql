-- The history of a table: its columns, and when and by which run a row was superseded. Both name
-- runs that exist.
create procedure history.add_table(source regclass, index_columns text) language plpgsql as $$
declare
    target text := format('history.%I', (select relname from pg_class where oid = source));
begin
    execute format(
        'create table %s (
            like %s,
            superseded_at timestamptz not null,
            superseded_by bigint not null
        )', target, source
    );
    execute format('create index on %s (%s)', target, index_columns);
    call history.add_reference(source, 'run_id', 'audit.run', 'run_id');
    call history.add_reference(target, 'superseded_by', 'audit.run', 'run_id');
end
$$;
comment on procedure history.add_table is 'Creates the history table of a table, with an index on these columns.';
