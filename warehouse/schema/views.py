"""What consumers see, made from files: views, `as_of` functions and the comments on everything."""

from hashlib import sha256
from pathlib import Path

import psycopg
from psycopg import errors, sql

from expectations import contracts
from warehouse.base_error import RotationError
from warehouse.schema.derived_state import derived_state_sql

HERE = Path(__file__).parent
# no migration makes a view or a function in these schemas: all come from the files in views/
VIEW_SCHEMAS = ["published", "as_of"]


class DependentViewsError(RotationError):
    """An object that is not the warehouse's stands on a view that must be made anew."""


def apply_views(connection: psycopg.Connection, force: bool = False) -> None:
    """(Re)creates the views and the comments when a file behind them changed.

    What the database can't replace in place (a column renamed, moved or dropped) is dropped and
    made anew, all views in one transaction, with the grants that others were given on them.

    Args:
        connection: Of the owner; its transaction holds all of it.
        force: Also where no file changed.

    Raises:
        ViewsInUse: when another's object stands on a view that must be dropped; it is named.
    """
    files = sorted((HERE / "views").glob("*.sql"))
    held = connection.execute(
        "select checksum from audit.reference where table_name = 'views'"
    ).fetchone()
    digest = views_digest()
    if held is not None and held[0] == digest and not force:
        return
    try:
        with connection.transaction():
            _execute(connection, files)
    except (errors.InvalidTableDefinition, errors.InvalidFunctionDefinition):
        grants = _grants(connection)
        _drop_views(connection)
        _execute(connection, files)
        _restore_grants(connection, grants)
    _comment(connection)
    connection.execute((HERE / "sql" / "comment_views.sql").read_bytes())
    connection.execute(
        """
        insert into audit.reference values ('views', %s)
        on conflict (table_name) do update
        set checksum = excluded.checksum, applied_at = clock_timestamp()
        """,
        (digest,),
    )


def views_digest() -> str:
    """SHA-256 of everything that views and comments are made from."""
    digest = sha256(repr([contract.columns for contract in contracts().values()]).encode())
    digest.update(derived_state_sql(contracts()).encode())
    for file in sorted((HERE / "views").glob("*.sql")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _execute(connection: psycopg.Connection, files: list[Path]) -> None:
    connection.execute(derived_state_sql(contracts()).encode())
    for file in files:
        connection.execute(file.read_bytes())


def _views(connection: psycopg.Connection) -> dict[str, str]:
    """View or function, as SQL writes it, to the word for its kind."""
    return dict(
        connection.execute(
            """
            select oid::regclass::text, 'view' from pg_class
            where relkind = 'v' and relnamespace::regnamespace::text = any (%(schemas)s)
            union all
            select oid::regprocedure::text, 'function' from pg_proc
            where prokind = 'f' and pronamespace::regnamespace::text = any (%(schemas)s)
            """,
            {"schemas": VIEW_SCHEMAS},
        ).fetchall()
    )


def _grants(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """What others were given: the view or function, and the grant of it."""
    return connection.execute(
        """
        with held as (
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
        from held cross join lateral aclexplode(acl)
        where grantee <> owner
        """,
        {"schemas": VIEW_SCHEMAS},
    ).fetchall()


def _restore_grants(connection: psycopg.Connection, grants: list[tuple[str, str]]) -> None:
    there = _views(connection)
    for name, statement in grants:
        if name in there:
            connection.execute(statement.encode())


def _drop_views(connection: psycopg.Connection) -> None:
    """Drops all, those that nothing stands on first."""
    left = _views(connection)
    while left:
        refusal, before = "", len(left)
        for name, kind in list(left.items()):
            try:
                with connection.transaction():
                    connection.execute(f"drop {kind} {name}".encode())
                del left[name]
            except errors.DependentObjectsStillExist as error:
                refusal = f"{error.diag.message_detail}"
        if len(left) == before:
            raise DependentViewsError(
                f"A published view changes its columns, and {refusal} Drop what is not the "
                "warehouse's, run this again, and create it anew."
            )


AUDIT_COLUMN_COMMENTS = {
    "loaded_at": "When the warehouse came to hold the row.",
    "run_id": "The run that loaded it: audit.run.",
    "superseded_at": "When a newer row took its place.",
    "superseded_by": "The run that brought the newer row: audit.run.",
}


def _comment(connection: psycopg.Connection) -> None:
    """Writes the contracts' words into the database, for tables, their twins and the views."""
    for contract in contracts().values():
        history_table = sql.Identifier("history", contract.table)
        table = sql.Identifier(contract.schema, contract.table)
        words = f"{contract.grain}. Source: {contract.source}."
        _comment_on(connection, "table", table, words)
        _comment_on(
            connection, "table", history_table, f"Superseded rows of {contract.qualified_name}."
        )
        columns = {
            column.name: column.description
            + ("" if column.null_means is None else f" NULL: {column.null_means}")
            for column in contract.columns
        }
        columns |= AUDIT_COLUMN_COMMENTS
        for relation in (table, history_table):
            for name, text in columns.items():
                if relation is history_table or not name.startswith("superseded"):
                    column = sql.SQL(".").join((relation, sql.Identifier(name)))
                    _comment_on(connection, "column", column, text)


def _comment_on(
    connection: psycopg.Connection, kind: str, target: sql.Composable, words: str
) -> None:
    connection.execute(
        sql.SQL("comment on {} {} is {}").format(sql.SQL(kind), target, sql.Literal(words))
    )
