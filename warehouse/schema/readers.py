"""Logins of readers: the built-in one, and those of people.

All are members of `rotation_reader`, a group without a login that has the rights. PostgreSQL lets
every login change its own password and settings, so what a reader changes concerns that login
alone. No flow uses one; the built-in login is reset when the stack starts and by health checks.
"""

import re
import secrets
from dataclasses import dataclass

import psycopg
from psycopg import Connection, errors, sql

from warehouse.base_error import RotationError
from warehouse.connect.dsn import (
    READER_GROUP,
    administrator_dsn,
    role_password,
    role_user,
    warehouse_dsn,
)
from warehouse.settings import Settings

# more than a team's notebooks hold open, and enough left for flows and Prefect
BUILT_IN_CONNECTIONS = 20
PERSONAL_CONNECTIONS = 5
# defaults, which a session may raise for itself
LOGIN_SETTINGS = {
    "statement_timeout": "30min",
    "idle_in_transaction_session_timeout": "10min",
    "default_transaction_read_only": "on",
}
# disk for sorts and joins of all queries of a session; no session can raise it
SUPERUSER_SETTINGS = {"temp_file_limit": "20GB"}
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


class ReaderError(RotationError):
    """A reader's login cannot be added or revoked; the message says why."""


@dataclass(frozen=True)
class Reader:
    """One login of the group `rotation_reader`."""

    name: str
    can_log_in: bool
    connections: int


def ensure_group(connection: Connection) -> None:
    """Create the group of readers, without a login."""
    found = connection.execute(
        "select rolcanlogin from pg_roles where rolname = %s", (READER_GROUP,)
    ).fetchone()
    if found is None:
        connection.execute(sql.SQL("create role {}").format(sql.Identifier(READER_GROUP)))
    elif found[0]:
        connection.execute(
            sql.SQL("alter role {} nologin password null").format(sql.Identifier(READER_GROUP))
        )


def ensure_built_in_login(connection: Connection, settings: Settings) -> list[str]:
    """Create the built-in login, or reset its settings; return what had been changed.

    Args:
        connection: Of an account that may alter roles, in autocommit mode.
        settings: Of the warehouse.
    """
    name = role_user("reader")
    is_new = _role_settings(connection, name) is None
    if is_new:
        _create_login(connection, name, role_password(settings, "reader"))
    changed = _reset_login(connection, name, BUILT_IN_CONNECTIONS)
    return [] if is_new else changed


def repair_reader(settings: Settings) -> str | None:
    """Reset the built-in reader login; return what was changed, or why it cannot be reset.

    Nothing but queries by hand depends on the login, so this never fails a run.
    """
    try:
        changed = repair_built_in_login(settings, administrator_dsn(settings))
    except psycopg.Error as error:
        reason = error.diag.message_primary or type(error).__name__
        return f"cannot be checked or reset ({reason}); run: rotation up, with an administrator"
    return f"someone had changed its {', '.join(changed)}; reset now" if changed else None


def repair_built_in_login(settings: Settings, administrator: str) -> list[str]:
    """Reset the built-in login's settings and password; return what had been changed.

    Raises:
        psycopg.errors.InsufficientPrivilege: If the account may not alter roles.
    """
    with psycopg.connect(administrator, autocommit=True) as connection:
        changed = ensure_built_in_login(connection, settings)
        if not _accepts_password(settings):
            set_password(connection, role_user("reader"), role_password(settings, "reader"))
            changed.append("password")
    return changed


def set_password(connection: Connection, role: str, password: str) -> None:
    """Give a login a password that does not expire."""
    connection.execute(
        sql.SQL("alter role {} login password {} valid until 'infinity'").format(
            sql.Identifier(role), sql.Literal(password)
        )
    )


def add_reader(connection: Connection, name: str) -> str:
    """Create a person's login, or renew its password and settings; return the password.

    Raises:
        ReaderError: The name is not possible, or belongs to another role of the server.
    """
    _check_name(connection, name)
    password = secrets.token_urlsafe(24)
    if _role_settings(connection, name) is None:
        _create_login(connection, name, password)
    set_password(connection, name, password)
    _reset_login(connection, name, PERSONAL_CONNECTIONS)
    return password


def revoke_reader(connection: Connection, name: str) -> None:
    """End a person's sessions and drop the login.

    Raises:
        ReaderError: There is no such login, or something in another database depends on it.
    """
    _check_name(connection, name)
    if _role_settings(connection, name) is None:
        raise ReaderError(f"There is no reader {name}; see: rotation reader list")
    login = sql.Identifier(name)
    connection.execute(sql.SQL("alter role {} nologin").format(login))
    connection.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", (name,)
    )
    try:
        connection.execute(sql.SQL("drop owned by {}").format(login))
        connection.execute(sql.SQL("drop role {}").format(login))
    except errors.DependentObjectsStillExist as error:
        raise ReaderError(
            f"{name} can no longer log in, but the role remains: {error.diag.message_detail}"
        ) from None


def list_readers(connection: Connection) -> list[Reader]:
    """Return the logins of the group, the built-in one first."""
    rows = connection.execute(
        """
        select member.rolname, member.rolcanlogin,
            (select count(*) from pg_stat_activity where usename = member.rolname)
        from pg_auth_members
        join pg_roles as granted on granted.oid = roleid and granted.rolname = %s
        join pg_roles as member on member.oid = member and not member.rolsuper
            and not member.rolcreaterole
        group by 1, 2 order by member.rolname <> %s, 1
        """,
        (READER_GROUP, role_user("reader")),
    ).fetchall()
    return [Reader(*row) for row in rows]


def _check_name(connection: Connection, name: str) -> None:
    if not NAME.fullmatch(name) or name.startswith(("pg_", "rotation_")):
        raise ReaderError(
            f"{name!r} cannot be a reader's name: use lower-case letters, digits and underscores,"
            " first a letter, and neither pg_ nor rotation_ in front."
        )
    is_known = _role_settings(connection, name) is not None
    if is_known and name not in {reader.name for reader in list_readers(connection)}:
        raise ReaderError(f"The server has another role {name}. Choose another name.")


def _create_login(connection: Connection, name: str, password: str) -> None:
    connection.execute(
        sql.SQL("create role {} login password {}").format(
            sql.Identifier(name), sql.Literal(password)
        )
    )


def _reset_login(connection: Connection, name: str, connections: int) -> list[str]:
    """Give a login the rights, limits and defaults of a reader; return the names of others."""
    login, changed = sql.Identifier(name), []
    state = _role_settings(connection, name)
    assert state is not None
    can_log_in, limit, is_member, stored = state
    if not is_member:
        group = sql.Identifier(READER_GROUP)
        connection.execute(sql.SQL("grant {} to {}").format(group, login))
        changed.append("group")
    if (can_log_in, limit) != (True, connections):
        connection.execute(
            sql.SQL("alter role {} login connection limit {}").format(
                login, sql.Literal(connections)
            )
        )
        changed.append("connection limit")
    is_superuser = connection.execute("show is_superuser").fetchone() == ("on",)
    defaults = LOGIN_SETTINGS | (SUPERUSER_SETTINGS if is_superuser else {})
    for database, setting, value in stored:
        # an administrator's limit stays where this account may not set it
        is_kept = database is None and (
            defaults.get(setting) == value or (setting in SUPERUSER_SETTINGS and not is_superuser)
        )
        if not is_kept:
            place = sql.SQL("" if database is None else " in database {}").format(
                sql.Identifier(database or "")
            )
            connection.execute(
                sql.SQL("alter role {}{} reset {}").format(login, place, _setting(setting))
            )
            changed.append(setting)
    kept = {(setting, value) for database, setting, value in stored if database is None}
    for setting, value in defaults.items():
        if (setting, value) not in kept:
            connection.execute(
                sql.SQL("alter role {} set {} = {}").format(
                    login, sql.Identifier(setting), sql.Literal(value)
                )
            )
            changed.append(setting)
    return sorted(set(changed))


def _setting(name: str) -> sql.Composable:
    return sql.SQL(".").join(map(sql.Identifier, name.split(".")))


def _role_settings(
    connection: Connection, name: str
) -> tuple[bool, int, bool, list[tuple[str | None, str, str]]] | None:
    """Return login right, connection limit, membership and settings; None without such a role."""
    row = connection.execute(
        """
        select rolcanlogin, rolconnlimit, exists (
            select from pg_auth_members
            where member = login.oid and roleid = %s::regrole
        )
        from pg_roles as login where rolname = %s
        """,
        (READER_GROUP, name),
    ).fetchone()
    if row is None:
        return None
    stored = connection.execute(
        """
        select datname, split_part(each, '=', 1), substr(each, strpos(each, '=') + 1)
        from pg_db_role_setting
        cross join unnest(setconfig) as each
        left join pg_database on pg_database.oid = setdatabase
        where setrole = %s::regrole
        """,
        (f'"{name}"',),
    ).fetchall()
    return (*row, stored)


def _accepts_password(settings: Settings) -> bool:
    try:
        psycopg.connect(warehouse_dsn(settings, "reader"), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        return "password authentication failed" not in str(error)
    return True
