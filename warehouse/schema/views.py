"""Applies views and functions, generated and hand-written, and the comments on everything."""

import re
from hashlib import sha256
from pathlib import Path

import psycopg
from psycopg import errors

from expectations import contracts
from expectations.tables.audit import AUDIT_TABLES
from warehouse.base_error import RotationError
from warehouse.schema.comments import write_comments
from warehouse.schema.derived_state import derived_state_sql
from warehouse.schema.generate import generate_views
from warehouse.schema.tables import tables_sql

HERE = Path(__file__).parent
# these hold nothing but views and functions
VIEW_SCHEMAS = ["published", "as_of"]
# no step creates a view in these; the only function of a step is as_of.product, an aggregate
SCHEMAS_WITH_VIEWS = [*VIEW_SCHEMAS, "audit", "core", "derived"]
# hand-written files that the generated views read, before those; all others follow them
_FIRST = ("0_", "1_")


class DependentViewsError(RotationError):
    """Another's object depends on a view that must be dropped."""


def apply_views(connection: psycopg.Connection, force: bool = False) -> None:
    """Create or replace the views and the comments where their sources changed.

    PostgreSQL cannot rename, move or drop a view's column in place: then all views are dropped and
    created in one transaction, and grants to other roles are restored.

    Args:
        connection: Of the owner; its transaction holds all of it.
        force: Also where nothing changed.

    Raises:
        DependentViewsError: when another's object depends on a view that must be dropped.
    """
    applied = connection.execute(
        "select checksum from audit.reference where table_name = 'views'"
    ).fetchone()
    digest = views_digest()
    if applied is not None and applied[0] == digest and not force:
        return
    views = views_sql().encode()
    connection.execute(_statements("clear_view_comments"))
    try:
        with connection.transaction():
            connection.execute(views)
    except (errors.InvalidTableDefinition, errors.InvalidFunctionDefinition):
        grants = _grants(connection)
        _drop_views(connection)
        connection.execute(views)
        _restore_grants(connection, grants)
    write_comments(connection)
    connection.execute(_statements("comment_views"))
    connection.execute(
        """
        insert into audit.reference values ('views', %s)
        on conflict (table_name) do update
        set checksum = excluded.checksum, applied_at = clock_timestamp()
        """,
        (digest,),
    )


def views_sql() -> str:
    """Return the SQL of all views and functions, in the order to execute it."""
    files = {
        file.name: file.read_text(encoding="utf-8")
        for file in sorted((HERE / "views").glob("*.sql"))
    }
    names = re.findall(
        r"create or replace (view|function) ([a-z_.0-9]+)", "\n".join(files.values())
    )
    handwritten = {name + ("()" if kind == "function" else "") for kind, name in names}
    generated = generate_views(contracts().values(), handwritten)
    first = [text for name, text in files.items() if name.startswith(_FIRST)]
    then = [text for name, text in files.items() if not name.startswith(_FIRST)]
    return "\n".join([*first, generated, derived_state_sql(contracts()), *then])


def schema_sql() -> str:
    """Return the whole SQL of the schema: tables, then views and functions."""
    return f"{tables_sql()}\n{views_sql()}"


def views_digest() -> str:
    """Return the SHA-256 of everything that views and comments are made from."""
    texts = [(c.grain, c.source, c.columns) for c in contracts().values()]
    copied = _statements("comment_views")
    return sha256(repr((views_sql(), texts, AUDIT_TABLES, copied)).encode()).hexdigest()


def _statements(name: str) -> bytes:
    """Return the statements of a file in `sql/`."""
    return (HERE / "sql" / f"{name}.sql").read_bytes()


def _views(connection: psycopg.Connection) -> dict[str, str]:
    """Return each view or function, as SQL writes it, with the keyword of its kind."""
    return dict(
        connection.execute(
            """
            select oid::regclass::text, 'view' from pg_class
            where relkind = 'v' and relnamespace::regnamespace::text = any (%(schemas)s)
            union all
            select oid::regprocedure::text, 'function' from pg_proc
            where prokind = 'f' and pronamespace::regnamespace::text = any (%(schemas)s)
            """,
            {"schemas": SCHEMAS_WITH_VIEWS},
        ).fetchall()
    )


def _grants(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Return the grants to other roles: the view or function, and the statement."""
    return connection.execute(
        """
        with definition as (
            select oid::regclass::text as name, '' as kind, relacl as acl, relowner as owner
            from pg_class
            where relkind = 'v' and relnamespace::regnamespace::text = any (%(schemas)s)
            union all
            select oid::regprocedure::text, 'function ', proacl, proowner
            from pg_proc
            where prokind = 'f' and pronamespace::regnamespace::text = any (%(schemas)s)
        )
        select
            name,
            format(
                'grant %%s on %%s%%s to %%s%%s', privilege_type, kind, name,
                case when grantee = 0 then 'public' else grantee::regrole::text end,
                case when is_grantable then ' with grant option' else '' end
            )
        from definition cross join lateral aclexplode(acl)
        where grantee <> owner
        """,
        {"schemas": SCHEMAS_WITH_VIEWS},
    ).fetchall()


def _restore_grants(connection: psycopg.Connection, grants: list[tuple[str, str]]) -> None:
    views = _views(connection)
    for name, statement in grants:
        if name in views:
            connection.execute(statement.encode())


def _drop_views(connection: psycopg.Connection) -> None:
    """Drop all views and functions, those without dependents first."""
    left = _views(connection)
    while left:
        dependents, before = "", len(left)
        for name, kind in list(left.items()):
            try:
                with connection.transaction():
                    connection.execute(f"drop {kind} {name}".encode())
                del left[name]
            except errors.DependentObjectsStillExist as error:
                dependents = f"{error.diag.message_detail}"
        if len(left) == before:
            raise DependentViewsError(
                f"A view of the warehouse changes its columns, and {dependents} Drop your object, "
                "run this again, and create it again."
            )
