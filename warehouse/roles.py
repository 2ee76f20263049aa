"""Who may do what: the owner, the loader and the reader.

- `rotation_owner` owns everything; migrations run as it.
- `rotation_loader` writes facts, derived rows and audit; flows run as it.
- `rotation_reader` reads `published`, `as_of` and `audit`, and nothing else.
"""

from psycopg import Connection, errors, sql


class RoleError(RuntimeError):
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
    # who logs in as the owner steps into the loader's role, too
    steppers = [account] + ["rotation_owner"] * ("rotation_owner" in passwords)
    try:
        for role in ("rotation_owner", "rotation_loader", "rotation_reader"):
            if role in passwords:
                ensure_login(connection, role, passwords[role])
            elif _can_log_in(connection, role) is None:
                connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        for stepper in steppers:
            for role in ("rotation_owner", "rotation_loader"):
                _ensure_member(connection, stepper, role)
    except errors.InsufficientPrivilege as error:
        raise RoleError(
            f"The account of DATABASE_URL, {account}, may not make the warehouse's roles: "
            f"{error.diag.message_primary}. Have an administrator run: create role rotation_owner; "
            "create role rotation_loader; create role rotation_reader login password '...'; "
            f'grant rotation_owner, rotation_loader to "{account}"; with the password that is in '
            "rotation_reader.password in ROTATION_HOME."
        ) from None


def _ensure_member(connection: Connection, account: str, role: str) -> None:
    """Lets an account step into a role; asks for nothing where it may already."""
    right = "SET" if connection.info.server_version >= 160_000 else "MEMBER"
    held = connection.execute("select pg_has_role(%s, %s, %s)", (account, role, right)).fetchone()
    if held != (True,):
        connection.execute(
            sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(account))
        )


def ensure_login(connection: Connection, role: str, password: str) -> None:
    """Creates a role that may log in; one that may already keeps its password."""
    held = _can_log_in(connection, role)
    if held:
        return
    verb = sql.SQL("create" if held is None else "alter")
    connection.execute(
        sql.SQL("{} role {} login password {}").format(
            verb, sql.Identifier(role), sql.Literal(password)
        )
    )


def _can_log_in(connection: Connection, role: str) -> bool | None:
    """Whether a role may log in; None where there is no such role."""
    row = connection.execute(
        "select rolcanlogin from pg_roles where rolname = %s", (role,)
    ).fetchone()
    return None if row is None else bool(row[0])
