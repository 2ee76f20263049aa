"""Rules of every derived table of refinancing: keys once, nothing missing, nothing infinite."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from expectations.contract import Column, Rule


def within(name: str, reason: str, column: str, least: float | None, most: float | None) -> Rule:
    """A rule that stops the batch where a column leaves its bounds."""
    bounds = {"column": column, "min_value": least, "max_value": most}
    return Rule(name, reason, "ExpectColumnValuesToBeBetween", bounds, "stop")


def whole_rows(key: Sequence[str]) -> tuple[Rule, ...]:
    """The rules that `mark_rows` prepares."""
    return (
        Rule(
            "row_repeated",
            "a key is there twice",
            "ExpectCompoundColumnsToBeUnique",
            {"column_list": [*key]},
            "stop",
        ),
        within(
            "value_missing",
            "a column that says nothing of NULL is NULL",
            "missing_values",
            *(None, 0),
        ),
        within("value_infinite", "a division by zero came through", "infinite_values", *(None, 0)),
    )


def mark_rows(frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Count what is missing and what is infinite, by row."""
    out = frame.copy()
    required = [column.name for column in columns if column.null_means is None]
    floats = [column.name for column in columns if column.sql_type == "double precision"]
    out["missing_values"] = frame[required].isna().sum(axis=1)
    numbers = frame[floats].to_numpy(float, na_value=np.nan)
    out["infinite_values"] = np.isinf(numbers).sum(axis=1)
    return out
