"""Find the rules that clearly hold, so that Great Expectations checks the others alone.

Great Expectations takes seconds to import, and per rule 8 ms, however few the rows.
"""

from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from expectations.contract import Rule


def clearly_holds(frame: pd.DataFrame, rule: Rule) -> bool:
    """Return whether no row breaks a rule; False where only Great Expectations can say."""
    arguments = {name: value for name, value in rule.arguments.items() if name != "mostly"}
    columns = arguments.pop("column", None) or arguments.pop("column_list", None)
    check = _CHECKS.get(rule.expectation)
    if check is None or columns is None:
        return False
    try:
        return bool(check(frame[columns], **arguments))
    except (KeyError, TypeError):
        # a missing column, an argument or a type that is not known here
        return False


def _is_not_null(values: pd.Series) -> bool:
    return bool(values.notna().all())


def _is_between(
    values: pd.Series,
    min_value: float | None = None,
    max_value: float | None = None,
    strict_min: bool = False,
    strict_max: bool = False,
) -> bool:
    present = values.dropna()
    if present.empty:
        return True
    lowest, highest = present.min(), present.max()
    is_above = min_value is None or (lowest > min_value if strict_min else lowest >= min_value)
    is_below = max_value is None or (highest < max_value if strict_max else highest <= max_value)
    return bool(is_above and is_below)


def _is_in_set(values: pd.Series, value_set: Collection[Any]) -> bool:
    return bool(values.dropna().isin(value_set).all())


def _matches(values: pd.Series, regex: str) -> bool:
    return bool(values.dropna().astype(str).str.contains(regex).all())


def _is_unique(values: pd.Series | pd.DataFrame) -> bool:
    return not values.duplicated().any()


_CHECKS: dict[str, Callable[..., bool]] = {
    "ExpectColumnValuesToNotBeNull": _is_not_null,
    "ExpectColumnValuesToBeBetween": _is_between,
    "ExpectColumnValuesToBeInSet": _is_in_set,
    "ExpectColumnValuesToMatchRegex": _matches,
    "ExpectColumnValuesToBeUnique": _is_unique,
    "ExpectCompoundColumnsToBeUnique": _is_unique,
}
