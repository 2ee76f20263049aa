"""The words in which every table says what must be true of it.

A contract is read by the loader (which columns, which key, when two values are the same), by
validation (which rules), by the migrations' test (does the database agree) and by people.
Nothing here imports Great Expectations, which costs seconds: rules name their expectation.

A table's module lists its columns, then the rules, then `annotate`, which computes what rules look
at, and ends with the contract. Where rules must know more than the rows say (what time it is, what
the warehouse holds), the module has a `with_context` that writes it into the frame beforehand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

Action = Literal["stop", "quarantine", "warn"]

IS_QUARANTINED = "is_quarantined"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: The column's name in the database and in every frame.
        sql_type: PostgreSQL's name of its type, as `format_type` prints it.
        description: What one unit of the value is.
        null_means: What a NULL says; None where the column may not be NULL.
        equal_when: SQL that is true when a new value (`new.x`) only repeats the held one (`old.x`);
            None: when they are equal. For vendors that repeat a value in lower precision.
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
    """One thing that must be true, checked by one Great Expectations expectation.

    Attributes:
        name: The rule's name in `audit.quarantine` and `audit.validation`.
        reason: What a row that breaks it is, in words a reader of the quarantine understands.
        expectation: The class name in `great_expectations.expectations`.
        arguments: Its keyword arguments. A rule on the column `QUARANTINED` is checked last: it
            sees which rows the others set aside.
        action: stop: the whole batch is refused; quarantine: the rows that break it are set
            aside; warn: recorded, nothing else.
        nullify_column: For quarantine rules: the one column that is not believed. The row as
            received is
            set aside, and stays among the good ones with NULL there: that something was is
            known, how much is not.
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
    blanks: str | None = None,
) -> Rule:
    """A rule that `annotate` has marked no row in a column of booleans."""
    arguments = {"column": flag_column, "value_set": [False]}
    return Rule(name, reason, "ExpectColumnValuesToBeInSet", arguments, action, blanks)


@dataclass(frozen=True)
class Contract:
    """What consumers and the loader may rely on for one table.

    Attributes:
        table: Its name, the stem that its modules, migration and tests share.
        schema: core or derived.
        grain: What one row is.
        source: Where the rows come from, with publication lag and revision habit.
        key: The columns that identify a row.
        columns: The table's columns, key included, in the database's order. The warehouse adds
            `loaded_at` and `run_id` itself.
        natural_key: The key as the sources write it (`ticker` for `instrument_id`); empty where
            it is the key itself.
        extra_staged_columns: What the loader needs beside the table's columns to compare a new row
            with the held one (`same_if` may name them); staged, never stored.
        context_columns: Helper columns that `with_context` of the table's module adds before
            validation: what rules must know beside the rows themselves. Never staged.
        upstream: For derived tables: the core and derived tables that its rows are derived from.
        latest_date_column: For derived tables: the date column that says how far it has got.
        rules: What must be true of a batch, in the order in which they are checked.
        replace_where: For core tables: SQL on `old` that is true of the held rows which a batch
            stands for as a whole; those that it lacks are withdrawn (to history). `{staged}` is the
            relation of the batch's rows. None: a batch only adds and corrects.
        dirty_from: For core tables: SQL over the written rows of one instrument (or series, or
            index) that gives the first date on which a derived row may come out differently.
        add_rule_columns: Adds helper columns that rules look at; a pure function of the frame, so
            all that it needs to know is in the frame's own and the context columns. Dropped after.
    """

    table: str
    schema: Literal["core", "derived"]
    grain: str
    source: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    natural_key: tuple[str, ...] = ()
    extra_staged_columns: tuple[Column, ...] = ()
    context_columns: tuple[str, ...] = ()
    replace_where: str | None = None
    dirty_from: str | None = None
    upstream: tuple[str, ...] = ()
    latest_date_column: str | None = None
    rules: tuple[Rule, ...] = ()
    add_rule_columns: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns' names, in the database's order."""
        return tuple(column.name for column in self.columns)

    @property
    def natural_key_or_key(self) -> tuple[str, ...]:
        """The key in the sources' words: the natural key, where there is one."""
        return self.natural_key or self.key

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns a frame brings to validation, and that good rows leave it with.

        Those of the table with the natural key in place of the key that the warehouse gives
        out itself (`instrument_id`), then the staged ones.
        """
        given_out = set(self.key) - set(self.natural_key_or_key)
        names = (*self.natural_key_or_key, *self.column_names)
        staged = (column.name for column in self.extra_staged_columns)
        return tuple(dict.fromkeys(n for n in (*names, *staged) if n not in given_out))

    @property
    def qualified_name(self) -> str:
        """The table's name with its schema."""
        return f"{self.schema}.{self.table}"
