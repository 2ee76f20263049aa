create or replace view derived.loaded_index as
-- found by leaping through the key: there are a handful among millions of rows
with recursive held as (
    select min(index_code) as index_code from core.index_membership
    union all
    select (select min(index_code) from core.index_membership where index_code > held.index_code)
    from held where index_code is not null
)
select index_code from held where index_code is not null;
comment on view derived.loaded_index is 'One row per index that has members. Join core.index_membership to it to look members up by instrument: the key begins with the index.';
