create table audit.reference (
    table_name text primary key,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp()
);
