-- as_of.index_concentration returns this view's row type, so the view comes first.
create or replace view published.index_concentration as
select
    index_code, as_of_date, known_from, members, top_10_weight_pct, hhi, effective_members,
    magnificent_seven_weight_pct, loaded_at
from derived.index_concentration;
comment on view published.index_concentration is
'One row per index and day of a holdings file: how much of the index is in few companies. Holds from known_from until the next row''s.';
