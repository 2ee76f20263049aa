"""Logins of readers: what one of them does concerns no other login and no run."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from expectations.tables import daily_price
from warehouse.connect.connections import connect
from warehouse.connect.dsn import database_name, embedded_server, role_user, warehouse_dsn
from warehouse.schema import readers
from warehouse.schema.lock_holders import lock_holders
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.schema.readers import repair_reader
from warehouse.settings import Settings

STATEMENTS = (Path(__file__).parent / "hostile_statements.sql").read_text().splitlines()
# what a login is given, and what the group's rights on later tables and views are
STATE = """
select array(
    select (
        rolname, rolcanlogin, rolconnlimit, coalesce(rolvaliduntil, 'infinity'), rolsuper,
        rolcreaterole
    )::text
    from pg_roles where rolname ~ '^(rotation_|anna)' order by rolname
), array(
    select (setrole::regrole, setdatabase, setting)::text
    from pg_db_role_setting cross join unnest(setconfig) as setting where setrole <> 0 order by 1
), array(
    select (defaclnamespace::regnamespace, acl)::text
    from pg_default_acl cross join unnest(defaclacl) as acl
    where defaclrole = 'rotation_owner'::regrole order by 1
), array(
    select (relnamespace::regnamespace, relname)::text from pg_class
    where has_table_privilege('rotation_reader', oid, 'select')
        and relnamespace::regnamespace::text in ('published', 'as_of', 'audit') order by 1
)
"""


@pytest.fixture
def administrator(settings: Settings) -> Iterator[psycopg.Connection]:
    """Return a connection of the superuser to an up-to-date warehouse."""
    ensure_up_to_date(settings)
    dsn = embedded_server(settings).dsn(database_name(settings))
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
    ensure_up_to_date(settings)  # the built-in login belongs to all tests of this server


@pytest.fixture
def anna(settings: Settings, administrator: psycopg.Connection) -> Iterator[str]:
    """Return the connection string of another person."""
    password = readers.add_reader(administrator, "anna")
    yield make_conninfo(warehouse_dsn(settings, "reader"), user="anna", password=password)
    if any(reader.name == "anna" for reader in readers.list_readers(administrator)):
        readers.revoke_reader(administrator, "anna")


def attack(settings: Settings, statement: str) -> None:
    """Run a statement as the built-in login, in a session that gave up its read-only default."""
    with psycopg.connect(warehouse_dsn(settings, "reader"), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        with suppress(psycopg.Error):
            connection.execute(statement)


def test_hostile_statements_touch_no_other_login_and_no_run(
    settings, administrator, anna, bars, merged
) -> None:
    assert len(STATEMENTS) >= 40
    before = administrator.execute(STATE).fetchone()
    defaults = "select current_setting('search_path'), current_setting('statement_timeout')"
    with psycopg.connect(anna, autocommit=True) as open_session:
        expected = open_session.execute(defaults).fetchone()
        for number, statement in enumerate(STATEMENTS, start=1):
            attack(settings, statement)
            # what is open stays open, and a new session finds everything as before
            assert open_session.execute("select 1").fetchone() == (1,), statement
            merged(settings, daily_price.CONTRACT, bars(("AAA", "2024-01-02", float(number))))
            with psycopg.connect(anna) as session:
                assert session.execute(defaults).fetchone() == expected, statement
                close = session.execute("select close from published.daily_price").fetchone()
                assert close == (number,), statement
            # the built-in login is as before at the next check, and later tables are readable
            repair_reader(settings)
            with connect(settings, "reader") as session:
                assert session.execute(defaults).fetchone() == expected, statement
        ensure_up_to_date(settings)
    assert administrator.execute(STATE).fetchone() == before


def test_drift_of_the_built_in_login_is_named(settings, administrator) -> None:
    assert repair_reader(settings) is None
    attack(settings, "alter role rotation_sql password 'x'")
    message = repair_reader(settings)
    assert message is not None
    assert "password" in message
    attack(settings, "alter role rotation_sql set search_path = nowhere")
    administrator.execute("alter role rotation_sql connection limit 1")
    message = repair_reader(settings)
    assert message is not None
    assert "connection limit, search_path;" in message
    assert repair_reader(settings) is None


def test_a_person_has_limits_and_the_rights_of_the_group(administrator, anna) -> None:
    with psycopg.connect(anna, autocommit=True) as session:
        shown = [
            session.execute(f"show {name}").fetchone()[0]
            for name in ("statement_timeout", "temp_file_limit", "default_transaction_read_only")
        ]
        assert shown == ["30min", "20GB", "on"]
        session.execute("select * from published.freshness")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("select * from core.daily_price")
    found = {reader.name: reader for reader in readers.list_readers(administrator)}
    assert next(iter(found)) == "rotation_sql"
    assert found["anna"].can_log_in
    limit = administrator.execute(
        "select rolconnlimit from pg_roles where rolname = 'anna'"
    ).fetchone()
    assert limit == (readers.PERSONAL_CONNECTIONS,)


def test_revoking_ends_sessions_and_renewing_changes_the_password(administrator, anna) -> None:
    assert readers.add_reader(administrator, "anna") not in anna
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(anna)
    renewed = make_conninfo(anna, password=readers.add_reader(administrator, "anna"))
    with psycopg.connect(renewed, autocommit=True) as session:
        readers.revoke_reader(administrator, "anna")
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(renewed)
    with pytest.raises(readers.ReaderError, match="no reader anna"):
        readers.revoke_reader(administrator, "anna")


@pytest.mark.parametrize(
    "name", ["postgres", "rotation_loader", "pg_monitor", "Anna", "a b", "", 'x"; drop', "1a"]
)
def test_names_that_no_reader_may_have(administrator, name) -> None:
    for change in (readers.add_reader, readers.revoke_reader):
        with pytest.raises(readers.ReaderError):
            change(administrator, name)


def test_an_open_transaction_of_a_reader_holds_up_no_migration(settings, administrator) -> None:
    with psycopg.connect(warehouse_dsn(settings, "reader")) as reader:
        # every default that would end the session is raised, as any login may
        for setting in ("idle_in_transaction_session_timeout", "statement_timeout"):
            reader.execute(f"set {setting} = 0")
        reader.execute("select count(*) from published.coverage")
        administrator.execute("delete from audit.reference where table_name = 'views'")
        with connect(settings, "owner") as owner:
            named = [str(holder) for holder in lock_holders(owner) if holder.is_reader]
        assert len(named) == 1
        assert f"session {reader.info.backend_pid} of {role_user('reader')}" in named[0]
        ensure_up_to_date(settings)
        with pytest.raises(psycopg.OperationalError):
            reader.execute("select 1")
    views = "select count(*) from audit.reference where table_name = 'views'"
    assert administrator.execute(views).fetchone() == (1,)
