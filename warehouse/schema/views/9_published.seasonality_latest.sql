create or replace view published.seasonality_latest as
select distinct on (pair, season) * from published.seasonality
order by pair, season, year desc;
comment on view published.seasonality_latest is
'One row per pair and season: its newest year, with statistics of all years.';
