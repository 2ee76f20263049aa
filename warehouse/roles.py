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
        RoleError: when a role is missing and the account may not create it.
    """
    for role in ("rotation_owner", "rotation_loader", "rotation_reader"):
        try:
            if role in passwords:
                ensure_login(connection, role, passwords[role])
            elif _can_log_in(connection, role) is None:
                connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        except errors.InsufficientPrivilege:
            raise RoleError(
                f"The account of DATABASE_URL may not create the role {role}. Have an "
                "administrator run: create role rotation_owner; create role rotation_loader; "
                "create role rotation_reader login password '...'; and grant the first two to "
                "your account."
            ) from None
    # whoever migrates and loads steps into these two
    connection.execute("grant rotation_loader to rotation_owner")
    current = connection.execute("select current_user").fetchone()
    assert current is not None
    if current[0] not in ("rotation_owner", "postgres"):
        connection.execute(
            sql.SQL("grant rotation_owner, rotation_loader to {}").format(
                sql.Identifier(current[0])
            )
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
