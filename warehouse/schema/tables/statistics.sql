-- Planner statistics as a table grows. Autovacuum comes a minute after a first fill, and until then
-- the derived tables were planned as if the table were empty: claim_ledger took a minute for two
-- seconds of work. Analyzed at each doubling, a table costs little at any size.
create function history.analyze_grown(target regclass) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
set default_statistics_target = 100 as $$
begin
    -- bigint: 131,072 pages are a gigabyte
    if (
        select pg_relation_size(oid) >= 2 * 8192::bigint * greatest(relpages, 4) from pg_class
        where oid = target
    ) then
        execute format('analyze %s', target);
    end if;
end
$$;
comment on function history.analyze_grown is 'Collects statistics of a table that has doubled since they were last collected.';
revoke execute on function history.analyze_grown from public;
grant execute on function history.analyze_grown to rotation_loader;
