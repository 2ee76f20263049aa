"""Rules of every derived table of refinancing: keys once, nothing missing, nothing infinite."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from expectations.contract import Column, Rule


def between_rule(
    name: str, reason: str, column: str, min_value: float | None, max_value: float | None
) -> Rule:
    """A rule that stops the batch where a column leaves its bounds."""
    bounds = {"column": column, "min_value": min_value, "max_value": max_value}
    return Rule(name, reason, "ExpectColumnValuesToBeBetween", bounds, "stop")


def key_and_null_rules(key: Sequence[str]) -> tuple[Rule, ...]:
    """The rules that `mark_rows` prepares."""
    return (
        Rule(
            "row_repeated",
            "a key is there twice",
            "ExpectCompoundColumnsToBeUnique",
            {"column_list": [*key]},
            "stop",
        ),
        between_rule(
            "value_missing",
            "a column that says nothing of NULL is NULL",
            "missing_values",
            *(None, 0),
        ),
        between_rule(
            "value_infinite", "a division by zero came through", "infinite_values", *(None, 0)
        ),
    )


def count_nulls_and_infs(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Count what is missing and what is infinite, by row."""
    out = frame.copy()
    required = [column.name for column in columns if column.null_means is None]
    floats = [column.name for column in columns if column.sql_type == "double precision"]
    out["missing_values"] = frame[required].isna().sum(axis=1)
    numbers = frame[floats].to_numpy(float, na_value=np.nan)
    out["infinite_values"] = np.isinf(numbers).sum(axis=1)
    return out
