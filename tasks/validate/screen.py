"""Find the rows that may break a rule, so that Great Expectations checks these alone.

Great Expectations takes seconds to import, then at least 8 ms per rule, more with more rows.
"""

from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from expectations.contract import Rule


def find_doubtful_rows(frame: pd.DataFrame, rule: Rule) -> pd.Series | None:
    """Return a mask of the rows that may break a rule.

    Rows that a rule compares with one another are in doubt together.

    Returns:
        True for a row that may break the rule, on the frame's index; None where only Great
        Expectations can say, such as for a missing column.
    """
    arguments = {name: value for name, value in rule.arguments.items() if name != "mostly"}
    columns = arguments.pop("column", None) or arguments.pop("column_list", None)
    check = _CHECKS.get(rule.expectation)
    if check is None or columns is None:
        return None
    try:
        mask = check(frame[columns], **arguments).astype(bool)
    except (KeyError, TypeError):
        # a missing column, an argument or a type that is not known here
        return None
    # a share of the rows may break it, so all of them count
    return None if "mostly" in rule.arguments and mask.any() else mask


def _is_null(values: pd.Series) -> pd.Series:
    return values.isna()


def _is_outside(
    values: pd.Series,
    min_value: float | None = None,
    max_value: float | None = None,
    strict_min: bool = False,
    strict_max: bool = False,
) -> pd.Series:
    outside = pd.Series(False, index=values.index)
    if min_value is not None:
        outside |= _known(values <= min_value if strict_min else values < min_value)
    if max_value is not None:
        outside |= _known(values >= max_value if strict_max else values > max_value)
    return outside


def _is_not_in_set(values: pd.Series, value_set: Collection[Any]) -> pd.Series:
    return values.notna() & ~values.isin(value_set)


def _is_in_set(values: pd.Series, value_set: Collection[Any]) -> pd.Series:
    if values.dtype.kind == "M":
        raise TypeError("Great Expectations reads the values as dates, or refuses them")
    return values.isin(value_set)


def _does_not_match(values: pd.Series, regex: str) -> pd.Series:
    return values.notna() & ~values.astype(str).str.contains(regex)


def _is_repeated(values: pd.Series | pd.DataFrame) -> pd.Series:
    return values.duplicated(keep=False)


def _known(compared: pd.Series) -> pd.Series:
    """Take a comparison with NULL for False."""
    return compared.fillna(False).astype(bool)


_CHECKS: dict[str, Callable[..., pd.Series]] = {
    "ExpectColumnValuesToNotBeNull": _is_null,
    "ExpectColumnValuesToBeBetween": _is_outside,
    "ExpectColumnValuesToBeInSet": _is_not_in_set,
    "ExpectColumnValuesToNotBeInSet": _is_in_set,
    "ExpectColumnValuesToMatchRegex": _does_not_match,
    "ExpectColumnValuesToBeUnique": _is_repeated,
    "ExpectCompoundColumnsToBeUnique": _is_repeated,
}
