create table audit.derivation (
    derived_table text not null,
    input_table text not null,
    change_id bigint not null,
    primary key (derived_table, input_table)
);
