"""Data contract classes: columns, keys, validation rules and merge behaviour of a table.

The loader, the validation, the schema and its comments are made from contracts or checked against
them. Nothing here imports Great Expectations, which takes seconds: a rule names its expectation.

A table's module lists its columns, then its rules, then `annotate`, which computes the columns
that rules check, and ends with its contract. If rules need more than the rows (the time of the
check, the stored rows), the module has an `add_context` that adds it to the frame first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd
import polars as pl

Action = Literal["stop", "quarantine", "warn"]

IS_QUARANTINED = "is_quarantined"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: The column's name in the database and in every frame.
        sql_type: The name of its PostgreSQL type, as `format_type` prints it.
        description: Definition and unit of the value; the column's comment in the database.
        null_means: What NULL means; None if the column is never NULL.
        equal_when: SQL that is true if a new value (`new.x`) equals the stored value (`old.x`),
            for providers that send values in varying precision; None: exact equality.
    """

    name: str
    sql_type: str
    description: str
    null_means: str | None = None
    equal_when: str | None = None


@dataclass(frozen=True)
class AuditTable:
    """A table of schema audit: written by the runs themselves, so without rules or a source.

    Attributes:
        table: Its name.
        grain: What one row is.
        columns: Its columns, in the database's order.
    """

    table: str
    grain: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Rule:
    """A validation rule, checked by one Great Expectations expectation.

    Attributes:
        name: The rule's name in `audit.quarantine` and `audit.validation`.
        reason: What is wrong with a row that breaks the rule, for readers of `audit.quarantine`.
        expectation: The class name in `great_expectations.expectations`.
        arguments: The expectation's keyword arguments. Rules on the column `IS_QUARANTINED` are
            checked last, when the rows quarantined by other rules are known.
        action: stop: refuse the whole batch; quarantine: store the rows that break the rule in
            `audit.quarantine` instead of the table; warn: record only.
        nullify_column: For quarantine rules: column to set to NULL. The original row is
            quarantined; the row with NULL in this column is still loaded.
    """

    name: str
    reason: str
    expectation: str
    arguments: Mapping[str, Any]
    action: Action = "quarantine"
    nullify_column: str | None = None


def flag_rule(
    flag_column: str,
    name: str,
    reason: str,
    action: Action = "quarantine",
    nullify_column: str | None = None,
) -> Rule:
    """Return a rule that no row has True in a boolean column of `add_rule_columns`."""
    arguments = {"column": flag_column, "value_set": [False]}
    return Rule(name, reason, "ExpectColumnValuesToBeInSet", arguments, action, nullify_column)


@dataclass(frozen=True)
class Contract:
    """Columns, key, rules and merge behaviour of one table.

    Attributes:
        table: The table's name, the stem of its modules, schema file and tests.
        schema: core or derived.
        grain: What one row is.
        source: Origin of the rows, with publication lag and revisions.
        key: The columns that identify a row.
        columns: The table's columns, key included, in the database's order. The warehouse adds
            `loaded_at` and `run_id`.
        natural_key: The key in the sources' terms (`ticker` for `instrument_id`); empty if it is
            the key itself.
        comparison_columns: Columns beside the table's that `equal_when` uses; not stored.
        context_columns: Helper columns that `add_context` of the table's module adds before
            validation; neither compared nor stored.
        identity_columns: Columns whose values identify an instrument under another ticker; empty
            if rows of the table show no renames and no reuse of tickers.
        also_locked: Other tables, with schema, that a merge into this one may change.
        replace_where: For core tables: SQL predicate on `old` for the stored rows that a batch
            replaces completely; those that the batch lacks are moved to history. `{staged}` is the
            relation of the batch's rows. None: a batch inserts and updates only.
        dirty_from: For core tables: aggregate over the written rows of one instrument (series,
            index) for the first date on which derived rows may change.
        upstream: For derived tables: the core and derived tables that its rows are derived from.
        latest_date_column: For derived tables: the date column that says how far it has got.
        shard_column: The column whose values no rule compares with one another, so that a large
            batch may be checked in shards; None: the rules need the batch as a whole.
        rules: Validation rules of a batch, in the order of checking.
        add_rule_columns: Adds the helper columns that rules check, as a pure function of the
            frame and its context columns. They are dropped after validation.
    """

    table: str
    schema: Literal["core", "derived"]
    grain: str
    source: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    natural_key: tuple[str, ...] = ()
    comparison_columns: tuple[Column, ...] = ()
    context_columns: tuple[str, ...] = ()
    identity_columns: tuple[str, ...] = ()
    also_locked: tuple[str, ...] = ()
    replace_where: str | None = None
    # not compared: an expression has no equality of its own
    dirty_from: pl.Expr | None = field(default=None, compare=False)
    upstream: tuple[str, ...] = ()
    latest_date_column: str | None = None
    shard_column: str | None = None
    rules: tuple[Rule, ...] = ()
    add_rule_columns: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """Return the names of the columns, in the database's order."""
        return tuple(column.name for column in self.columns)

    @property
    def natural_key_or_key(self) -> tuple[str, ...]:
        """Return the natural key, or the key if there is no natural key."""
        return self.natural_key or self.key

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Return the columns that a frame has before and after validation.

        They are the table's columns, with the natural key in place of keys that the warehouse
        assigns (`instrument_id`), and the comparison columns.
        """
        assigned = set(self.key) - set(self.natural_key_or_key)
        names = (*self.natural_key_or_key, *self.column_names)
        compared = (column.name for column in self.comparison_columns)
        return tuple(dict.fromkeys(n for n in (*names, *compared) if n not in assigned))

    @property
    def qualified_name(self) -> str:
        """Return the table's name with its schema."""
        return f"{self.schema}.{self.table}"

    @property
    def repeats_identity(self) -> str:
        """Return SQL that is true if a new row (`new`) repeats a stored row's identity (`old`)."""
        return " and ".join(
            f"({column.equal_when or f'new.{column.name} = old.{column.name}'})"
            for column in self.columns
            if column.name in self.identity_columns
        )
