-- Every version of every row of the tables of refinancing.
create or replace view as_of.debt_maturity_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.debt_maturity as held
union all
select * from history.debt_maturity;
comment on view as_of.debt_maturity_version is 'Every version of every row of debt_maturity: held from loaded_at until superseded_at.';

create or replace view as_of.company_refinancing_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.company_refinancing as held
union all
select * from history.company_refinancing;
comment on view as_of.company_refinancing_version is 'Every version of every row of company_refinancing: held from loaded_at until superseded_at.';

create or replace view as_of.refinancing_wall_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.refinancing_wall as held
union all
select * from history.refinancing_wall;
comment on view as_of.refinancing_wall_version is 'Every version of every row of refinancing_wall: held from loaded_at until superseded_at.';

create or replace view as_of.rate_shock_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.rate_shock as held
union all
select * from history.rate_shock;
comment on view as_of.rate_shock_version is 'Every version of every row of rate_shock: held from loaded_at until superseded_at.';

create or replace view as_of.zombie_status_version as
select
    held.*, 'infinity'::timestamptz as superseded_at, null::bigint as superseded_by
from derived.zombie_status as held
union all
select * from history.zombie_status;
comment on view as_of.zombie_status_version is 'Every version of every row of zombie_status: held from loaded_at until superseded_at.';
