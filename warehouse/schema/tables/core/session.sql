-- Expected rows are counted in SQL, so SQL must know when the exchange was open.
create table core.session (
    session_date date primary key,
    closes_at timestamptz not null
);
comment on table core.session is 'One row per session of the New York Stock Exchange, a year ahead. Filled from exchange_calendars whenever the database is prepared; not a fact of any provider, so it has no history.';
comment on column core.session.session_date is 'The session.';
comment on column core.session.closes_at is 'When it closed or will close: 16:00 in New York, 13:00 on half days.';
