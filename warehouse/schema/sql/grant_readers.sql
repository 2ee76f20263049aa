-- `drop owned by rotation_reader` deletes the default privileges of the group, and any member may
-- say it: readers could then not read the views that are created afterwards.
do $$
begin
    if 3 > (
        select count(distinct defaclnamespace)
        from pg_default_acl cross join aclexplode(defaclacl) as held
        where held.grantee = 'rotation_reader'::regrole
            and defaclnamespace::regnamespace::text in ('published', 'as_of', 'audit')
    ) then
        grant select on all tables in schema published, as_of, audit to rotation_reader;
        alter default privileges in schema published, as_of, audit
        grant select on tables to rotation_reader;
    end if;
end
$$;
