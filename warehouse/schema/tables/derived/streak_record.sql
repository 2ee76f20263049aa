-- Long runs of outperformance. Derived by tasks/derive/rotation/streak_record.py.
create table derived.streak_record (
    pair text not null,
    session_date date not null,
    first_session date not null check (first_session < session_date),
    sessions integer not null check (sessions >= 5),
    relative_return core.finite not null,
    rank integer not null check (rank > 0),
    as_long_before date check (as_long_before < first_session),
    longest_before integer check (longest_before > 0),
    longest_before_ended date check (longest_before_ended < first_session),
    data_from date not null check (data_from < first_session),
    loaded_at timestamptz not null,
    run_id bigint not null,
    primary key (pair, session_date)
);
call history.add_table('derived.streak_record', 'pair, session_date');
