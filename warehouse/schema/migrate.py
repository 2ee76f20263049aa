"""Migrate a database to the newest schema: roles, tables, calendar, views and comments."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from warehouse.base_error import RotationError
from warehouse.connect.connections import connect
from warehouse.connect.dsn import (
    Role,
    administrator_dsn,
    database_name,
    embedded_server,
    is_embedded,
    role_password,
    role_user,
    warehouse_dsn,
)
from warehouse.schema.lock_holders import lock_holders
from warehouse.schema.migrations import execute_as_is
from warehouse.schema.readers import repair_reader
from warehouse.schema.roles import RoleError, ensure_grants, ensure_roles
from warehouse.schema.sync_calendar import sync_trading_calendar
from warehouse.schema.sync_macro_series import sync_macro_series
from warehouse.schema.tables import tables_sql
from warehouse.schema.views import apply_views
from warehouse.server.local import ensure_database
from warehouse.settings import Settings

HERE = Path(__file__).parent
# any constant does; it keeps two migrations of one database apart
MIGRATION_LOCK = 7_203_115_001
OLDEST_SERVER = 150_000
LOCK_TIMEOUT = "1min"
# no more than readers may delay a migration; then their transactions are ended
READER_LOCK_TIMEOUT = "5s"


class ServerTooOld(RotationError):
    """The server of DATABASE_URL is older than PostgreSQL 15."""


class MigrationBlocked(RotationError):
    """Another session holds a lock that the migration needs; nothing was changed."""


class UnknownSchemaRevision(RotationError):
    """The database has a revision that this version of the warehouse does not know."""


def ensure_up_to_date(settings: Settings) -> None:
    """Start the embedded server, where it is used, and migrate; safe to repeat.

    Raises:
        EmbeddedServerError: when the embedded server can't be started.
        InsecureDatabase: when DATABASE_URL would not encrypt what goes to another machine.
        ServerTooOld: when DATABASE_URL's server is older than 15.
        RoleError: when DATABASE_URL's account may not create the roles, or a role has another
            password than this state folder's.
        DependentViewsError: when another's object depends on a view that must be dropped.
        MigrationBlocked: when another session holds a lock on a table for a minute.
        UnknownSchemaRevision: when another version of the warehouse created the database.
    """
    ensure_database_and_roles(settings)
    try:
        _ensure_schema(settings, READER_LOCK_TIMEOUT)
    except (psycopg.errors.LockNotAvailable, sqlalchemy.exc.OperationalError) as error:
        if not _is_lock_timeout(error):
            raise
        end_blocking_readers(settings)
        with translate_lock_timeout(settings):
            _ensure_schema(settings, LOCK_TIMEOUT)


def _ensure_schema(settings: Settings, lock_timeout: str) -> None:
    """Migrate the schema, and sync what stands beside it; safe to repeat."""
    with connect(settings, "owner") as connection:
        # another migration is waited for as long as it takes
        connection.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        connection.execute(f"set lock_timeout = '{lock_timeout}'")
        _migrate(settings, lock_timeout)
        connection.execute((HERE / "sql" / "grant_readers.sql").read_bytes())
        sync_trading_calendar(connection)
        sync_macro_series(connection)
        apply_views(connection)


def ensure_database_and_roles(settings: Settings) -> None:
    """Create what a migration needs: embedded server, roles, database and grants.

    Raises:
        EmbeddedServerError, InsecureDatabase, ServerTooOld, RoleError: as `ensure_up_to_date`.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    roles: tuple[Role, ...] = ("loader", "owner") if is_embedded(settings) else ("loader",)
    logins = {role_user(role): role_password(settings, role) for role in roles}
    role_password(settings, "reader")  # an administrator who makes the login needs the file
    if is_embedded(settings):
        embedded_server(settings).start()
    superuser = administrator_dsn(settings)
    with psycopg.connect(superuser, autocommit=True) as connection:
        if connection.info.server_version < OLDEST_SERVER:
            raise ServerTooOld(
                f"DATABASE_URL names a PostgreSQL {connection.info.server_version // 10000}; "
                "the warehouse needs 15 or newer."
            )
        # roles belong to the whole server: two warehouses on it may be prepared at once
        connection.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        ensure_roles(connection, logins)
        if is_embedded(settings):
            ensure_database(superuser, database_name(settings), role_user("owner"))
            superuser = embedded_server(settings).dsn(database_name(settings))
        with psycopg.connect(superuser, autocommit=True) as inside:
            ensure_grants(inside, is_dedicated_server=is_embedded(settings))
    _check_password(settings)
    # after the check: another state folder's warehouse keeps its reader
    repair_reader(settings)


def _check_password(settings: Settings) -> None:
    """Log in as the loader, so that a wrong password fails now and not at night."""
    try:
        psycopg.connect(warehouse_dsn(settings, "loader")).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        name = role_user("loader")
        raise RoleError(
            f"{name} has another password on this server than in {settings.home}: another "
            f"state folder was here first. Copy {name}.password from there, or set "
            "ROTATION_LOADER_PASSWORD, or give the roles new passwords for all: "
            "rotation rotate-passwords"
        ) from None


@contextmanager
def translate_lock_timeout(settings: Settings) -> Iterator[None]:
    """Turn a lock timeout into a message that names the other session."""
    try:
        yield
    except (psycopg.errors.LockNotAvailable, sqlalchemy.exc.OperationalError) as error:
        if not _is_lock_timeout(error):
            raise
        with connect(settings, "owner") as connection:
            blockers = lock_holders(connection)
        found = "; ".join(str(blocker) for blocker in blockers)
        raise MigrationBlocked(
            "Another session has held a lock on a table or view of the warehouse for "
            f"{LOCK_TIMEOUT}, so nothing was changed: {found or 'it has ended since'}. Wait for it "
            "to end, or end it with: select pg_terminate_backend(pid); then run this again."
        ) from None


def end_blocking_readers(settings: Settings) -> None:
    """End the transactions of readers that hold locks on the warehouse, and their sessions.

    A reader can hold the lock of a query for as long as the transaction is open, and raise every
    timeout for itself. Where the account may not end sessions, the caller's message names them.
    """
    with connect(settings, "owner") as connection:
        for holder in lock_holders(connection):
            if holder.is_reader:
                with suppress(psycopg.errors.InsufficientPrivilege):
                    connection.execute("select pg_terminate_backend(%s, 5000)", (holder.pid,))


def _is_lock_timeout(error: Exception) -> bool:
    return isinstance(getattr(error, "orig", error), psycopg.errors.LockNotAvailable)


def migrate_to(connection: sqlalchemy.Connection, revision: str) -> None:
    """Migrate the schema to a revision, or to `head`, in the connection's transaction.

    An empty database gets the newest schema from `tables/`, without the steps to it.
    """
    config = _config()
    connection.exec_driver_sql("create schema if not exists audit")
    config.attributes["connection"] = connection
    newest = ScriptDirectory.from_config(config).get_current_head()
    if revision in ("head", newest) and not _has_schema(connection):
        command.stamp(config, "head")
        execute_as_is(connection, tables_sql())
    else:
        command.upgrade(config, revision)


def _has_schema(connection: sqlalchemy.Connection) -> bool:
    found = connection.exec_driver_sql("select to_regclass('audit.migration') is not null")
    return bool(found.scalar())


def has_revision(revision: str) -> bool:
    """Return whether this version has a revision of this number."""
    scripts = ScriptDirectory.from_config(_config())
    return revision in {script.revision for script in scripts.walk_revisions()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def owner_engine(settings: Settings) -> sqlalchemy.Engine:
    """Return an engine over the owner's DSN."""
    # the URL goes in as an object: Alembic's own option would print it
    url = sqlalchemy.make_url(warehouse_dsn(settings, "owner")).set(drivername="postgresql+psycopg")
    return sqlalchemy.create_engine(url)


def _migrate(settings: Settings, lock_timeout: str) -> None:
    engine = owner_engine(settings)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"set local lock_timeout = '{lock_timeout}'")
            _check_revision(connection, settings)
            migrate_to(connection, "head")
    finally:
        engine.dispose()


def _check_revision(connection: sqlalchemy.Connection, settings: Settings) -> None:
    """Refuse a database whose revision is not one of this version's."""
    if not _has_schema(connection):
        return
    found = connection.exec_driver_sql("select version_num from audit.migration").scalar()
    if found is None or has_revision(str(found)):
        return
    place, fresh = "The database of DATABASE_URL", "DATABASE_URL to an empty database"
    if is_embedded(settings):
        place = f"The database {database_name(settings)} in {settings.home.absolute()}"
        fresh = "ROTATION_HOME to a new folder"
    raise UnknownSchemaRevision(
        f"{place} has schema revision {found}, which this version does not know: an earlier or "
        f"newer version created it. To start with an empty warehouse, set {fresh}."
    )
