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
    member.index_code, member.ticker, 'join' as change, member.as_of_date, snapshot.known_from,
    snapshot.previous_date as previous_as_of_date, member.name, member.sector
from member join snapshot using (index_code, as_of_date)
where snapshot.previous_date is not null
    and member.previous_date is distinct from snapshot.previous_date
union all
select
    member.index_code, member.ticker, 'leave', snapshot.next_date, snapshot.next_known_from,
    member.as_of_date, member.name, member.sector
from member join snapshot using (index_code, as_of_date)
where snapshot.next_date is not null and member.next_date is distinct from snapshot.next_date;
comment on view published.index_change is
'One row per index, ticker and change (join or leave) between one holdings file held and the next. It is a company that joins or leaves: one that was renamed, or whose symbol another took over, is told from it by the ticker map. The first file held has no joins. The change itself lies after previous_as_of_date and not after as_of_date: where files are months apart, nobody knows when. A line that was set aside (audit.quarantine) looks like a leave, and like a join in the file after.';
comment on column published.index_change.ticker is 'Symbol in Yahoo''s spelling: of a join as in the file in which it shows, of a leave as in the last one that had it.';
comment on column published.index_change.change is 'join: the file has it, the one before it had not. leave: the file has it no longer.';
comment on column published.index_change.as_of_date is 'The close that the file describes in which the change shows.';
comment on column published.index_change.known_from is 'First XNYS session on which that file could be known.';
comment on column published.index_change.previous_as_of_date is 'The close that the file before it describes.';
comment on column published.index_change.name is 'The fund''s name of the company, of the same file as the ticker.';
comment on column published.index_change.sector is 'GICS sector in iShares'' spelling, of the same file as the ticker. NULL: the file gives none.';
