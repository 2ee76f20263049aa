"""Zombies by definition: sound rows, and a bad row for each rule."""

import pandas as pd

from expectations.tables.zombie_status import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """One answer, and one that is not known."""
    frame = pd.DataFrame(
        {
            "cik": [1, 1],
            "as_of_date": pd.Timestamp("2024-03-31"),
            "definition": ["coverage_3y", "bis_tobins_q"],
            "sector": pd.array(["Energy", None], dtype=object),
            "is_zombie": pd.array([True, None], dtype="boolean"),
            "missing_reason": pd.array([None, "Tobin's q"], dtype=object),
        }
    )
    return frame[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "definition", None),
    "definition_unknown": lambda f: with_value(f, "definition", "by_hearsay"),
    "financial_zombie": lambda f: with_value(f, "sector", "Financials"),
    "missing_reason_inconsistent": lambda f: with_value(f, "is_zombie", pd.NA),
}
