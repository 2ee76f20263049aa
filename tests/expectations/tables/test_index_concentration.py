"""Concentration of an index: each rule's bad row."""

import numpy as np
import pandas as pd
import pytest

from expectations.tables.index_concentration import CONTRACT
from tasks.validate.validate import validate


def make_frame() -> pd.DataFrame:
    """Four equal weights, and two thousand with a few large ones."""
    return pd.DataFrame(
        {
            "index_code": "R2000",
            "as_of_date": pd.to_datetime(["2024-01-02", "2024-01-03"]),
            "known_from": pd.to_datetime(["2024-01-03", "2024-01-04"]),
            "members": [4, 2000],
            "top_10_weight_pct": [100.0, 4.5],
            "hhi": [0.25, 0.0016],
            "effective_members": [4.0, 625.0],
            "magnificent_seven_weight_pct": [0.0, 1.5],
        }
    )


def put(frame: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    frame.loc[1, column] = value
    return frame


BROKEN = {
    "row_repeated": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: put(f, "hhi", np.nan),
    "hhi_out_of_range": lambda f: put(f, "hhi", 0.0004),
    "effective_members_out_of_range": lambda f: put(f, "effective_members", 2003.0),
    "top_10_out_of_range": lambda f: put(f, "top_10_weight_pct", 0.4),
    "magnificent_seven_out_of_range": lambda f: put(f, "magnificent_seven_weight_pct", 101.0),
}


def test_sound_rows_pass():
    validated = validate(CONTRACT, make_frame())
    assert validated.rule_results["success"].all()
    assert list(validated.valid_rows.columns) == list(CONTRACT.column_names)


@pytest.mark.parametrize("rule", CONTRACT.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_row(rule, assert_broken):
    assert_broken(CONTRACT, rule, BROKEN[rule.name](make_frame()))
