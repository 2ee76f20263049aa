"""Rules shared by derived tables: unique keys, no unexplained NULL, no infinite numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from expectations.contract import Column, Rule


def between_rule(
    name: str, reason: str, column: str, min_value: float | None, max_value: float | None
) -> Rule:
    """Return a rule that stops the batch if a column is outside its bounds."""
    bounds = {"column": column, "min_value": min_value, "max_value": max_value}
    return Rule(name, reason, "ExpectColumnValuesToBeBetween", bounds, "stop")


def key_and_null_rules(key: Sequence[str]) -> tuple[Rule, ...]:
    """Return rules for unique keys, required values and finite numbers.

    They need the columns that `count_nulls_and_infs` adds.
    """
    arguments: dict[str, Any]
    if len(key) == 1:
        unique, arguments = "ExpectColumnValuesToBeUnique", {"column": key[0]}
    else:
        unique, arguments = "ExpectCompoundColumnsToBeUnique", {"column_list": [*key]}
    return (
        Rule("duplicate_row", "two rows have the same key", unique, arguments, "stop"),
        between_rule(
            "value_missing",
            "a column that must not be NULL is NULL",
            "missing_values",
            *(None, 0),
        ),
        between_rule(
            "value_infinite",
            "a number is infinite, perhaps after a division by zero",
            "infinite_values",
            *(None, 0),
        ),
    )


def count_nulls_and_infs(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Count NULLs in required columns and infinite numbers, by row."""
    out = frame.copy()
    required = [column.name for column in columns if column.null_means is None]
    floats = [column.name for column in columns if column.sql_type == "double precision"]
    out["missing_values"] = frame[required].isna().sum(axis=1)
    numbers = frame[floats].to_numpy(float, na_value=np.nan)
    out["infinite_values"] = np.isinf(numbers).sum(axis=1)
    return out
