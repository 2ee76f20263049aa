-- A view's column without words of its own says what the table's column of that name says.
do $$
declare
    missing record;
begin
    for missing in
        select distinct on (view.oid, attribute.attnum)
            view.oid::regclass as view_name, attribute.attname as column_name, source.words
        from pg_class as view
        join pg_attribute as attribute on attribute.attrelid = view.oid and attribute.attnum > 0
        join lateral (
            select
                col_description(twin.attrelid, twin.attnum) as words, other.relname,
                other.relnamespace = 'history'::regnamespace as is_history
            from pg_attribute as twin
            join pg_class as other on other.oid = twin.attrelid
            where twin.attname = attribute.attname
                and (
                    other.relnamespace in ('core'::regnamespace, 'derived'::regnamespace, 'history'::regnamespace)
                    or other.relnamespace = 'audit'::regnamespace and other.relnamespace = view.relnamespace
                )
        ) as source on source.words is not null
        where view.relkind = 'v'
            and view.relnamespace::regnamespace::text in ('published', 'as_of', 'audit', 'core', 'derived')
            and col_description(view.oid, attribute.attnum) is null
        -- the table that shares the view's stem first: company_refinancing before company
        order by view.oid, attribute.attnum, starts_with(view.relname, source.relname) desc,
            case when starts_with(view.relname, source.relname) then length(source.relname) end desc,
            strpos(view.relname, source.relname) > 0 desc, source.relname, source.is_history
    loop
        execute format(
            'comment on column %s.%I is %L', missing.view_name, missing.column_name, missing.words
        );
    end loop;
end
$$;
