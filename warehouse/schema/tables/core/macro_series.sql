-- What freshness is judged by: each series' own clock, and the instant that counted as now.
create table core.macro_series (
    series_id text primary key,
    title text not null,
    frequency text not null check (frequency in ('Daily', 'Weekly', 'Monthly', 'Quarterly')),
    units text not null,
    seasonal_adjustment text not null,
    publication_lag_days integer not null check (publication_lag_days >= 0),
    used_for text not null
);
comment on table core.macro_series is 'One row per macro series followed: warehouse/reference/macro_series.csv. Not a fact of any provider, so it has no history.';
comment on column core.macro_series.series_id is 'FRED''s id.';
comment on column core.macro_series.title is 'FRED''s title.';
comment on column core.macro_series.frequency is 'Daily, Weekly, Monthly or Quarterly.';
comment on column core.macro_series.units is 'What one unit of the value is, in FRED''s words.';
comment on column core.macro_series.seasonal_adjustment is 'SA, NSA or SAAR.';
comment on column core.macro_series.publication_lag_days is 'Days from the observation''s date to its first release, at most, holidays and shutdowns aside.';
comment on column core.macro_series.used_for is 'The column that it is used for.';
