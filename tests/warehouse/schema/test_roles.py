"""What each role can do, tried for real."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import Connection, errors, sql

from warehouse.connect.connections import connect
from warehouse.connect.dsn import database_name, embedded_server
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

PRIVATE = ("core", "history", "derived")
OPEN = ("published", "as_of", "audit")


@pytest.fixture
def reader(module_warehouse: Settings) -> Iterator[Connection]:
    """A consumer's connection; each statement stands alone."""
    with connect(module_warehouse, "reader") as connection:
        connection.autocommit = True
        # the default only saves people from mistakes: an attacker switches it off
        connection.execute("set default_transaction_read_only = off")
        yield connection


def relations(module_warehouse: Settings, schemas: tuple[str, ...]) -> list[sql.Identifier]:
    with connect(module_warehouse, "owner") as connection:
        found = connection.execute(
            "select nspname, relname from pg_class join pg_namespace as space"
            " on space.oid = relnamespace where relkind in ('r', 'v') and nspname = any (%s)",
            ([*schemas],),
        ).fetchall()
    return [sql.Identifier(*names) for names in found]


def test_reader_reads_what_is_open(module_warehouse: Settings, reader: Connection):
    found = relations(module_warehouse, OPEN)
    assert len(found) >= 20
    for relation in found:
        reader.execute(sql.SQL("select * from {} limit 1").format(relation))
    functions = reader.execute(
        "select proname from pg_proc where pronamespace = 'as_of'::regnamespace and prokind = 'f'"
    ).fetchall()
    assert len(functions) >= 6
    for (name,) in functions:
        reader.execute(sql.SQL("select * from as_of.{}(now())").format(sql.Identifier(name)))


def test_reader_reads_nothing_else(module_warehouse: Settings, reader: Connection):
    found = relations(module_warehouse, PRIVATE)
    assert len(found) >= 12
    for relation in found:
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute(sql.SQL("select * from {}").format(relation))


def test_reader_writes_nowhere(module_warehouse: Settings, reader: Connection):
    for relation in relations(module_warehouse, (*PRIVATE, *OPEN)):
        for statement in ("delete from {}", "insert into {} default values", "truncate {}"):
            # a view with a join can't be written by anyone
            refused = (errors.InsufficientPrivilege, errors.WrongObjectType)
            with pytest.raises((*refused, errors.ObjectNotInPrerequisiteState)):
                reader.execute(sql.SQL(statement).format(relation))


@pytest.mark.parametrize(
    "statement",
    [
        "create schema mine",
        "create table public.mine (x integer)",
        "create table published.mine (x integer)",
        "create view published.mine as select 1 as x",
        "create or replace view published.daily_price as select 1 as x",
        "create function as_of.mine() returns integer language sql as 'select 1'",
        "create function public.mine() returns integer language sql as 'select 1'",
        "create extension pg_trgm",
        "create role mine",
        "create database mine",
        "alter role rotation_reader superuser",
        "alter default privileges for role rotation_owner grant all on tables to public",
        "alter view published.daily_price owner to rotation_reader",
        "comment on view published.daily_price is 'mine'",
        "grant select on published.daily_price to public with grant option",
        "grant rotation_owner to rotation_reader",
        "set role rotation_owner",
        "set role rotation_loader",
        "set session authorization rotation_owner",
        "copy published.daily_price to program 'cat'",
        "copy (select 1) to '/tmp/out'",
        "copy audit.run from '/etc/passwd'",
        "select pg_read_file('/etc/passwd')",
        "select pg_ls_dir('.')",
        "select pg_reload_conf()",
        "select lo_import('/etc/passwd')",
        "select * from pg_authid",
        "alter system set fsync = off",
        "do language plpgsql $$ begin execute 'select * from core.daily_price'; end $$",
        "select * from as_of.adjustment_factor('infinity'), core.daily_price",
        "select lo_creat(-1)",
        "select lo_create(0)",
        "select lo_from_bytea(0, '')",
        "select pg_advisory_lock(1)",
        "select pg_advisory_xact_lock(1, 2)",
        "select pg_try_advisory_lock_shared(1)",
        "do $$ begin lock table published.daily_price in access exclusive mode; end $$",
    ],
)
def test_reader_is_refused(reader: Connection, statement: str):
    with pytest.raises((errors.InsufficientPrivilege, errors.InvalidGrantOperation)):
        reader.execute(statement)


def test_reader_has_no_temporary_tables_and_others_no_way_in(settings: Settings):
    """What is said of a database as a whole, which a copy of a template does not have."""
    ensure_up_to_date(settings)
    with connect(settings, "reader") as connection:
        connection.execute("set transaction read write")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("create temporary table mine as select 1 as x")
    with connect(settings, "loader") as connection:
        connection.execute("create temporary table mine as select 1 as x")
    server = embedded_server(settings)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create role stranger login password 'stranger'")
    try:
        dsn = psycopg.conninfo.make_conninfo(
            server.dsn(database_name(settings)), user="stranger", password="stranger"
        )
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(dsn)
    finally:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("drop role stranger")


def test_readers_leave_connections_time_and_disk_to_the_flows(
    module_warehouse: Settings, reader: Connection
):
    kept = reader.execute(
        """
        select
            current_setting('max_connections')::integer - rolconnlimit,
            current_setting('statement_timeout'),
            current_setting('idle_in_transaction_session_timeout'),
            current_setting('temp_file_limit')
        from pg_roles where rolname = current_user
        """
    ).fetchone()
    assert kept[0] >= 30
    assert kept[1:] == ("30min", "10min", "20GB")
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute("set temp_file_limit = -1")
    with ExitStack() as held:
        refused = None
        while refused is None:
            try:
                held.enter_context(connect(module_warehouse, "reader"))
            except psycopg.OperationalError as error:
                refused = str(error)
        assert "too many connections for role" in refused
        with connect(module_warehouse, "loader") as loader:
            assert loader.execute("select 1").fetchone() == (1,)
        # nor do they keep a migration from beginning
        ensure_up_to_date(module_warehouse)


def test_loader_stays_loader(module_warehouse: Settings):
    with connect(module_warehouse, "loader") as connection:
        connection.autocommit = True
        for statement in ("reset role", "reset all", "discard all", "reset session authorization"):
            connection.execute(statement)
        who = connection.execute("select session_user, current_user").fetchone()
        assert who == ("rotation_loader", "rotation_loader")
        for role in ("rotation_owner", "postgres"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(f"set role {role}")


def test_reader_cannot_end_another_session(module_warehouse: Settings, reader: Connection):
    with connect(module_warehouse, "loader") as loader:
        process = loader.info.backend_pid
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute("select pg_terminate_backend(%s)", (process,))
        assert loader.execute("select 1").fetchone() == (1,)


def test_reader_stays_reader_after_resetting_everything(reader: Connection):
    for statement in ("reset role", "reset all", "discard all", "reset session authorization"):
        reader.execute(statement)
    assert reader.execute("select session_user, current_user").fetchone() == (("rotation_sql",) * 2)
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute("select * from core.daily_price")


def test_nobody_else_gets_in(settings: Settings):
    """Even where every role may connect, as in a database that an administrator shares."""
    server = embedded_server(settings)
    dsn = server.dsn(database_name(settings))
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("create role stranger login password 'stranger'")
    try:
        name = psycopg.conninfo.make_conninfo(dsn, user="stranger", password="stranger")
        with psycopg.connect(name, autocommit=True) as connection:
            for relation in relations(settings, (*PRIVATE, *OPEN)):
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute(sql.SQL("select * from {}").format(relation))
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("create table public.mine (x integer)")
    finally:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("drop role stranger")


@pytest.mark.parametrize(
    "statement",
    [
        "drop table core.daily_price",
        "alter table core.daily_price add column mine integer",
        "create table core.mine (x integer)",
        "update history.daily_price set close = 1",
        "delete from history.daily_price",
        "truncate core.daily_price",
        "create or replace view published.daily_price as select 1 as x",
        "create role mine",
        "copy (select 1) to program 'cat'",
    ],
)
def test_loader_changes_rows_not_tables_and_never_history(
    module_warehouse: Settings, statement: str
):
    with (
        connect(module_warehouse, "loader") as connection,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_passwords_of_the_roles_differ(module_warehouse: Settings):
    passwords = {
        (module_warehouse.home / f"{name}.password").read_text()
        for name in ("postgres", "rotation_owner", "rotation_loader", "rotation_sql")
    }
    assert len(passwords) == 4
