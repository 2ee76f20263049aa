-- References that are checked once per statement. A foreign key checks row by row: the two of
-- core.daily_price took seven eighths of inserting into it. As with a foreign key, a row without a
-- parent is refused, and so is deleting a parent that rows refer to. The keys of the parents are
-- generated always, so no update changes them.
create function history.require_parents() returns trigger language plpgsql as $$
declare
    key text := tg_argv[0];
    parent text := tg_argv[1];
    parent_key text := tg_argv[2];
    orphan text;
begin
    -- the lock of a foreign key: no parent is deleted before these rows are committed
    execute format(
        'with child as materialized (
            select distinct %3$I as key from written where %3$I is not null
        ),
        parent as (
            select %1$I as key from %2$s where %1$I in (select key from child) for key share
        )
        select min(key)::text from (
            select key from child except select key from parent
        ) as orphan', parent_key, parent, key
    ) into orphan;
    if orphan is not null then
        raise foreign_key_violation using message = format(
            '%I.%I refers to %s %s, which does not exist', tg_table_schema, tg_table_name, parent,
            orphan
        );
    end if;
    return null;
end
$$;
create function history.refuse_orphans() returns trigger language plpgsql as $$
declare
    child text := tg_argv[0];
    key text := tg_argv[1];
    parent_key text := tg_argv[2];
    is_used boolean;
begin
    execute format(
        'select exists (select from %s where %I in (select %I from removed))',
        child, key, parent_key
    ) into is_used;
    if is_used then
        raise foreign_key_violation using message = format(
            '%I.%I is still referred to by %s', tg_table_schema, tg_table_name, child
        );
    end if;
    return null;
end
$$;
create procedure history.add_reference(child regclass, key text, parent regclass, parent_key text)
language plpgsql as $$
declare
    event text;
begin
    foreach event in array array['insert', 'update'] loop
        execute format(
            'create trigger %I after %s on %s referencing new table as written
            for each statement execute function history.require_parents(%L, %L, %L)',
            key || '_exists_' || event, event, child, key, parent, parent_key
        );
    end loop;
    execute format(
        'create trigger %I after delete on %s referencing old table as removed
        for each statement execute function history.refuse_orphans(%L, %L, %L)',
        'kept_for_' || child, parent, child, key, parent_key
    );
end
$$;
comment on function history.require_parents is 'Trigger: refuses written rows whose parent does not exist.';
comment on function history.refuse_orphans is 'Trigger: refuses to delete a parent that rows refer to.';
comment on procedure history.add_reference is 'Adds a reference to a parent table that is checked once per statement.';
