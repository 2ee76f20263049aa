create or replace view published.macro_latest as
select distinct on (series_id, observation_date)
    series_id, observation_date, vintage_date, value::double precision as value,
    missing_reason, source, loaded_at
from core.macro_observation
order by series_id, observation_date, vintage_date desc;
comment on view published.macro_latest is
'One row per series and observation: its newest vintage.';
comment on column published.macro_latest.value is 'The series'' own unit. NULL: missing_reason says why.';
comment on column published.macro_latest.missing_reason is 'Why there is no value. NULL: there is a value.';

create or replace view published.macro_first_release as
select distinct on (series_id, observation_date)
    series_id, observation_date, vintage_date, value::double precision as value,
    missing_reason, source, loaded_at
from core.macro_observation
order by series_id, observation_date, vintage_date;
comment on view published.macro_first_release is
'One row per series and observation: its first vintage held, the first release where FRED has it.';
comment on column published.macro_first_release.value is 'The series'' own unit. NULL: missing_reason says why.';
comment on column published.macro_first_release.missing_reason is 'Why there is no value. NULL: there is a value.';
