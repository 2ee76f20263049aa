"""Who may do what: the owner, the loader and the reader.

- `rotation_owner` owns everything; migrations run as it.
- `rotation_loader` writes facts, derived rows and audit; flows run as it.
- `rotation_reader` reads `published`, `as_of` and `audit`, and nothing else. It is a group; its
  logins are in `readers.py`.
"""

from pathlib import Path

from psycopg import Connection, errors, sql

from warehouse.base_error import RotationError
from warehouse.connect.dsn import BUILT_IN_READER, READER_GROUP
from warehouse.schema.readers import BUILT_IN_CONNECTIONS, ensure_group

HERE = Path(__file__).parent


class RoleError(RotationError):
    """The roles can't be made with the account of DATABASE_URL; the message says what to do."""


def ensure_roles(connection: Connection, passwords: dict[str, str]) -> None:
    """Creates the roles that are missing, and sets the passwords of those that are given one.

    Args:
        connection: Of an account that may create roles.
        passwords: Role to password. Roles not named in it can't log in by themselves.

    Raises:
        RoleError: when a role or a membership is missing and the account may not make it.
    """
    account = connection.info.user
    if account in ("rotation_loader", BUILT_IN_READER):
        raise RoleError(
            f"DATABASE_URL logs in as {account}, which may not change the schema. Give this "
            "command the DATABASE_URL of an account that may step into rotation_owner."
        )
    try:
        ensure_group(connection)
        for role in ("rotation_owner", "rotation_loader"):
            if role in passwords:
                ensure_login(connection, role, passwords[role])
            elif _can_log_in(connection, role) is None:
                connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        _ensure_member(connection, account, "rotation_owner")
    except errors.InsufficientPrivilege as error:
        raise RoleError(
            f"The account of DATABASE_URL, {account}, may not make the warehouse's roles: "
            f"{error.diag.message_primary}. Have an administrator run: create role rotation_owner; "
            "create role rotation_loader login password '...'; "
            f"create role {READER_GROUP}; create role {BUILT_IN_READER} login password '...' "
            f"connection limit {BUILT_IN_CONNECTIONS} in role {READER_GROUP}; "
            f'grant rotation_owner to "{account}"; with the passwords that are in '
            f"rotation_loader.password and {BUILT_IN_READER}.password in ROTATION_HOME."
        ) from None


def ensure_grants(connection: Connection, is_dedicated_server: bool) -> None:
    """Says what each role may do in a database as a whole.

    The reader can then not fill the disk with temporary tables; nor, where the account may say
    so, with large objects, nor hold the run locks of flows.

    Args:
        connection: To the warehouse's database, of the account that made the roles.
        is_dedicated_server: Whether nothing but the warehouse uses the server.
    """
    database = sql.Identifier(connection.info.dbname)
    owner = connection.execute(
        "select pg_has_role(datdba, 'member') from pg_database where datname = current_database()"
    ).fetchone()
    everyone = "temporary, connect" if is_dedicated_server else "temporary"
    statements = [
        "grant create, connect, temporary on database {} to rotation_owner",
        "grant connect, temporary on database {} to rotation_loader",
        "grant connect on database {} to rotation_reader",
        f"revoke {everyone} on database {{}} from public",
    ]
    # another's database: its owner has granted what is needed, or the migration will say what not
    for statement in statements if owner == (True,) else statements[:1]:
        connection.execute(sql.SQL(statement).format(database))
    superuser = connection.execute("show is_superuser").fetchone()
    if superuser == ("on",):
        connection.execute((HERE / "sql" / "restrict_functions.sql").read_bytes())
        # to see what holds up a migration, and to end it
        connection.execute("grant pg_read_all_stats, pg_signal_backend to rotation_owner")


def ensure_login(connection: Connection, role: str, password: str) -> bool:
    """Creates a role that may log in; one that may already keeps its password.

    Returns:
        Whether it had to be made or allowed to log in.
    """
    held = _can_log_in(connection, role)
    if held:
        return False
    verb = sql.SQL("create" if held is None else "alter")
    connection.execute(
        sql.SQL("{} role {} login password {}").format(
            verb, sql.Identifier(role), sql.Literal(password)
        )
    )
    return True


def change_password(connection: Connection, role: str, password: str) -> None:
    """Gives a role another password."""
    connection.execute(
        sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password))
    )


def _ensure_member(connection: Connection, account: str, role: str) -> None:
    """Lets an account step into a role; asks for nothing where it may already."""
    right = "SET" if connection.info.server_version >= 160_000 else "MEMBER"
    held = connection.execute("select pg_has_role(%s, %s, %s)", (account, role, right)).fetchone()
    if held != (True,):
        connection.execute(
            sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(account))
        )


def _can_log_in(connection: Connection, role: str) -> bool | None:
    """Whether a role may log in; None where there is no such role."""
    row = connection.execute(
        "select rolcanlogin from pg_roles where rolname = %s", (role,)
    ).fetchone()
    return None if row is None else bool(row[0])
