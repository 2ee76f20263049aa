-- Replacing a view keeps its columns' comments, also those copied from a table's column that has
-- other words now.
do $$
declare
    stored record;
begin
    for stored in
        select view.oid::regclass as view_name, attribute.attname as column_name
        from pg_class as view
        join pg_attribute as attribute on attribute.attrelid = view.oid and attribute.attnum > 0
        where view.relkind = 'v'
            and view.relnamespace::regnamespace::text in ('published', 'as_of', 'audit', 'core', 'derived')
            and col_description(view.oid, attribute.attnum) is not null
    loop
        execute format('comment on column %s.%I is null', stored.view_name, stored.column_name);
    end loop;
end
$$;
