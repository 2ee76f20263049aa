"""Great Expectations finds the same in the doubtful rows as in the whole frame."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations.contract import Rule
from tasks.validate.evaluate import (
    RuleEvaluationError,
    RuleResult,
    evaluate,
    evaluate_with_gx,
)
from tasks.validate.screen import find_doubtful_rows

COLUMNS: dict[str, pd.Series] = {
    "number": pd.Series([1.0, 2.5, 9.0]),
    "number_with_null": pd.Series([1.0, np.nan, 9.0]),
    "no_number": pd.Series([np.nan, np.nan, np.nan]),
    "infinite": pd.Series([1.0, np.inf, 2.0]),
    "integer": pd.Series([0, 1, 9]),
    "nullable": pd.Series([1, None, 9], dtype="Int64"),
    "flag": pd.Series([False, False, False]),
    "mixed_flag": pd.Series([False, True, False]),
    "text": pd.Series(["a1", "b2", "a1"], dtype="str"),
    "text_with_null": pd.Series(["a1", None, "c3"], dtype="str"),
    "object": pd.Series(["a1", None, 2], dtype="object"),
    "day": pd.Series(pd.to_datetime(["2024-01-02", "2024-01-03", None])),
}
ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("ExpectColumnValuesToNotBeNull", {}),
    ("ExpectColumnValuesToNotBeNull", {"mostly": 0.5}),
    ("ExpectColumnValuesToBeBetween", {"min_value": 1}),
    ("ExpectColumnValuesToBeBetween", {"min_value": 1, "strict_min": True}),
    ("ExpectColumnValuesToBeBetween", {"max_value": 9}),
    ("ExpectColumnValuesToBeBetween", {"min_value": 0, "max_value": 9, "strict_max": True}),
    ("ExpectColumnValuesToBeBetween", {"max_value": 2, "mostly": 0.5}),
    ("ExpectColumnValuesToBeInSet", {"value_set": [False]}),
    ("ExpectColumnValuesToBeInSet", {"value_set": ["a1", "b2"]}),
    ("ExpectColumnValuesToNotBeInSet", {"value_set": [1.0, "a1"]}),
    ("ExpectColumnValuesToNotBeInSet", {"value_set": [7.0]}),
    ("ExpectColumnValuesToMatchRegex", {"regex": r"^[ab]\d$"}),
    ("ExpectColumnValuesToBeUnique", {}),
]

# only Great Expectations can say whether it holds, so it sees all rows
OF_ALL_ROWS = Rule("all", "", "ExpectColumnMaxToBeBetween", {"column": "key", "max_value": 90})


def outcome(check: Callable[..., list[RuleResult]], rule: Rule) -> tuple[Any, ...]:
    """The result of one rule on the columns, or that it can't be evaluated."""
    try:
        (result,) = check(pd.DataFrame(COLUMNS), [rule])
    except RuleEvaluationError:
        return ("error",)
    rows = result.failing_rows
    return result.success, result.evaluated, result.detail, rows.to_list(), rows.dtype


@pytest.mark.parametrize(
    ("column", "action"),
    # only `stop` also reports the common value of failing rows: one numeric column has that case
    [*((column, "quarantine") for column in COLUMNS), ("number_with_null", "stop")],
)
def test_great_expectations_finds_the_same_in_the_doubtful_rows(column: str, action: Any) -> None:
    for expectation, arguments in ARGUMENTS:
        rule = Rule("r", "", expectation, {"column": column, **arguments}, action)
        assert outcome(evaluate, rule) == outcome(evaluate_with_gx, rule), rule


@pytest.mark.parametrize("others", [[], [OF_ALL_ROWS]], ids=["by row", "and of all rows"])
def test_rules_of_one_batch_share_the_doubtful_rows(others: list[Rule]) -> None:
    frame = pd.concat([pd.DataFrame(COLUMNS)] * 4, ignore_index=True).assign(key=[*range(11), 0])
    rules = [
        Rule("a", "", "ExpectColumnValuesToBeBetween", {"column": "number", "max_value": 8}),
        Rule("b", "", "ExpectColumnValuesToNotBeNull", {"column": "text_with_null"}),
        Rule("c", "", "ExpectColumnValuesToBeUnique", {"column": "key"}),
        Rule("d", "", "ExpectColumnValuesToBeInSet", {"column": "flag", "value_set": [False]}),
        Rule("e", "", "ExpectCompoundColumnsToBeUnique", {"column_list": ["key", "no_number"]}),
        *others,
    ]
    found, expected = evaluate(frame, rules), evaluate_with_gx(frame, rules)
    assert [each.failing_rows.to_list() for each in found] == [
        [2, 5, 8, 11], [1, 4, 7, 10], [0, 11], [], [0, 11], *([] for _ in others),
    ]  # fmt: skip
    for one, other in zip(found, expected, strict=True):
        assert one.failing_rows.equals(other.failing_rows)
        assert replace(one, failing_rows=None) == replace(other, failing_rows=None)


@pytest.mark.parametrize(
    ("column", "expectation", "arguments", "holds"),
    [
        ("number_with_null", "ExpectColumnValuesToBeBetween", {"max_value": 9}, True),
        ("number_with_null", "ExpectColumnValuesToBeBetween", {"max_value": 8.9}, False),
        ("nullable", "ExpectColumnValuesToBeBetween", {"min_value": 1}, True),
        ("nullable", "ExpectColumnValuesToBeBetween", {"min_value": 2}, False),
        ("integer", "ExpectColumnValuesToBeBetween", {"min_value": 0, "strict_min": True}, False),
        ("infinite", "ExpectColumnValuesToBeBetween", {"max_value": 1e300}, False),
        ("flag", "ExpectColumnValuesToBeInSet", {"value_set": [False]}, True),
        ("mixed_flag", "ExpectColumnValuesToBeInSet", {"value_set": [False]}, False),
        ("mixed_flag", "ExpectColumnValuesToBeInSet", {"value_set": [False], "mostly": 0.5}, False),
        ("day", "ExpectColumnValuesToNotBeNull", {}, False),
        ("text", "ExpectColumnValuesToMatchRegex", {"regex": r"^a"}, False),
        ("text", "ExpectColumnValuesToBeUnique", {}, False),
        # left to Great Expectations, which says what is wrong with the rule
        ("text", "ExpectColumnValuesToBeBetween", {"max_value": 9}, False),
        ("absent", "ExpectColumnValuesToNotBeNull", {}, False),
        ("flag", "ExpectColumnValuesToBeInSet", {"value_set": [False], "other": 1}, False),
        ("flag", "ExpectColumnMaxToBeBetween", {"max_value": 9}, False),
    ],
)
def test_rules_that_a_row_may_break_are_not_screened_out(
    column: str, expectation: str, arguments: dict[str, Any], holds: bool
) -> None:
    rule = Rule("r", "", expectation, {"column": column, **arguments})
    mask = find_doubtful_rows(pd.DataFrame(COLUMNS), rule)
    assert (mask is not None and not mask.any()) is holds


@pytest.mark.parametrize(("columns", "holds"), [(["text", "integer"], True), (["text"], False)])
def test_compound_columns_are_screened(columns: list[str], holds: bool) -> None:
    rule = Rule("r", "", "ExpectCompoundColumnsToBeUnique", {"column_list": columns})
    mask = find_doubtful_rows(pd.DataFrame(COLUMNS), rule)
    assert (mask is not None and not mask.any()) is holds
