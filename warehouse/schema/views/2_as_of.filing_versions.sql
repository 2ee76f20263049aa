-- Every version of every row of the SEC's tables, held and superseded.
create or replace view as_of.company_ticker_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from core.company_ticker as held
union all
select * from history.company_ticker;
comment on view as_of.company_ticker_version is 'Every version of every row of company_ticker: held from loaded_at until superseded_at.';

create or replace view as_of.company_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from core.company as held
union all
select * from history.company;
comment on view as_of.company_version is 'Every version of every row of company: held from loaded_at until superseded_at.';

create or replace view as_of.company_fact_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from core.company_fact as held
union all
select * from history.company_fact;
comment on view as_of.company_fact_version is 'Every version of every row of company_fact: held from loaded_at until superseded_at.';
