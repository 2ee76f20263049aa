-- Everyone may make large objects and hold advisory locks unless told otherwise: a reader could
-- fill the disk, or keep every flow waiting for its turn. Only a superuser can tell.
do $$
declare
    each regprocedure;
begin
    for each in
        select oid::regprocedure from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace
            and (proname ~ '^pg_(try_)?advisory_' or proname in ('lo_creat', 'lo_create', 'lo_from_bytea'))
            and has_function_privilege('rotation_reader', oid, 'execute')
    loop
        execute format('revoke execute on function %s from public', each);
        execute format('grant execute on function %s to rotation_owner, rotation_loader', each);
    end loop;
end
$$;
