create or replace view published.index_change as
with snapshot as (
    select
        index_code, as_of_date, min(known_from) as known_from,
        lag(as_of_date) over of_index as previous_date,
        lead(as_of_date) over of_index as next_date,
        lead(min(known_from)) over of_index as next_known_from
    from core.index_membership
    group by index_code, as_of_date
    window of_index as (partition by index_code order by as_of_date)
),
member as (
    select
        index_code, as_of_date, ticker, name, sector,
        lag(as_of_date) over of_member as previous_date,
        lead(as_of_date) over of_member as next_date
    from core.index_membership
    window of_member as (partition by index_code, instrument_id order by as_of_date)
)
select
    member.index_code, member.ticker, 'added' as change, member.as_of_date, snapshot.known_from,
    snapshot.previous_date as previous_as_of_date, member.name, member.sector
from member join snapshot using (index_code, as_of_date)
where snapshot.previous_date is not null
    and member.previous_date is distinct from snapshot.previous_date
union all
select
    member.index_code, member.ticker, 'deleted', snapshot.next_date, snapshot.next_known_from,
    member.as_of_date, member.name, member.sector
from member join snapshot using (index_code, as_of_date)
where snapshot.next_date is not null and member.next_date is distinct from snapshot.next_date;
comment on view published.index_change is
'One row per index, ticker and change between one stored holdings file and the next. Companies are compared, by the ticker map: a renamed ticker is no change, a reused one is. The first stored file has no additions. The change took place after previous_as_of_date and by as_of_date; files may be months apart. A quarantined line (audit.quarantine) looks like a deletion, and like an addition in the file after.';
comment on column published.index_change.ticker is 'Symbol in Yahoo''s spelling: of an addition as in the file that shows it, of a deletion as in the last file that had it.';
comment on column published.index_change.change is 'added: the file has it and the previous one did not. deleted: the previous file had it and this one does not.';
comment on column published.index_change.as_of_date is 'The close described by the file that shows the change.';
comment on column published.index_change.known_from is 'First XNYS session on which that file was known.';
comment on column published.index_change.previous_as_of_date is 'The close described by the previous file.';
comment on column published.index_change.name is 'The fund''s name of the company, from the file of the ticker.';
comment on column published.index_change.sector is 'GICS sector in iShares'' spelling, from the file of the ticker. NULL: the file gives none.';
