-- What happened, in SQL: who ran, what was asked, what came, what was refused and why.
create table audit.origin (
    is_only boolean primary key default true check (is_only),
    origin text not null,
    first_run_at timestamptz not null default now()
);
