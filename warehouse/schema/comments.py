"""Writes the contracts' texts as comments on tables, their history tables and columns."""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from expectations import contracts
from expectations.contract import Column
from expectations.tables.audit import AUDIT_TABLES

LOAD_COLUMN_COMMENTS = {
    "loaded_at": "When the warehouse stored the row.",
    "run_id": "The run that loaded it: audit.run.",
}
HISTORY_COLUMN_COMMENTS = {
    "superseded_at": "When a newer row replaced it.",
    "superseded_by": "The run that loaded the newer row: audit.run.",
}


def write_comments(connection: psycopg.Connection) -> None:
    """Write the comments of all tables with contracts, audit tables included."""
    for contract in contracts().values():
        texts = column_comments(contract.columns) | LOAD_COLUMN_COMMENTS
        table = f"{contract.grain}. Source: {contract.source}."
        _comment(connection, (contract.schema, contract.table), table, texts)
        _comment(
            connection,
            ("history", contract.table),
            f"Superseded rows of {contract.qualified_name}.",
            texts | HISTORY_COLUMN_COMMENTS,
        )
    for audit in AUDIT_TABLES:
        _comment(connection, ("audit", audit.table), audit.grain, column_comments(audit.columns))


def column_comments(columns: Iterable[Column]) -> dict[str, str]:
    """Return each column's comment: its description, and what NULL says, as sentences."""
    return {
        column.name: _sentence(column.description)
        + ("" if column.null_means is None else f" NULL: {_sentence(column.null_means)}")
        for column in columns
    }


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _comment(
    connection: psycopg.Connection, name: tuple[str, str], text: str, columns: dict[str, str]
) -> None:
    table = sql.Identifier(*name)
    statements = [sql.SQL("comment on table {} is {}").format(table, sql.Literal(text))]
    statements += [
        sql.SQL("comment on column {} is {}").format(
            sql.Identifier(*name, column), sql.Literal(comment)
        )
        for column, comment in columns.items()
    ]
    connection.execute(sql.SQL(";").join(statements))
