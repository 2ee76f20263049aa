"""Rules found to hold without Great Expectations: it must agree, on all kinds of columns."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations.contract import Rule
from tasks.validate.evaluate import evaluate, evaluate_with_gx
from tasks.validate.screen import clearly_holds

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
    ("ExpectColumnValuesToMatchRegex", {"regex": r"^[ab]\d$"}),
    ("ExpectColumnValuesToBeUnique", {}),
]


@pytest.mark.parametrize("column", COLUMNS)
def test_rules_that_clearly_hold_hold_for_great_expectations(column: str) -> None:
    frame = pd.DataFrame(COLUMNS)
    rules = [
        Rule(f"{number}", "", expectation, {"column": column, **arguments})
        for number, (expectation, arguments) in enumerate(ARGUMENTS)
    ]
    clear = [rule for rule in rules if clearly_holds(frame, rule)]
    assert clear, column
    for found, expected in zip(evaluate(frame, clear), evaluate_with_gx(frame, clear), strict=True):
        assert expected.success, found.rule
        assert expected.failing_rows.empty
        assert (found.rule, found.success, found.evaluated, found.detail) == (
            expected.rule, expected.success, expected.evaluated, expected.detail,
        )  # fmt: skip
        assert found.failing_rows.equals(expected.failing_rows)


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
    assert clearly_holds(pd.DataFrame(COLUMNS), rule) is holds


@pytest.mark.parametrize(("columns", "holds"), [(["text", "integer"], True), (["text"], False)])
def test_compound_columns_are_screened(columns: list[str], holds: bool) -> None:
    rule = Rule("r", "", "ExpectCompoundColumnsToBeUnique", {"column_list": columns})
    assert clearly_holds(pd.DataFrame(COLUMNS), rule) is holds
