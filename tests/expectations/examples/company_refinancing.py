"""Companies by quarter-end: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.company_refinancing import CONTRACT
from tests.expectations.conftest import with_value

TYPES = {"double precision": float, "integer": "Int64", "boolean": "boolean", "text": object}


def make_frame() -> pd.DataFrame:
    """A company of which all is known, and one of which nothing is but its last report."""
    known = {"total_debt_usd": 1e9, "interest_expense_ttm_usd": 5e7, "ebit_ttm_usd": 1e8}
    known |= {"interest_coverage": 2.0, "years_below_one": 0, "is_zombie": False}
    known |= {"implied_floating_share": 0.4, "implied_floating_r2": 0.9, "effective_rate": 0.05}
    always = {"is_backcast": False, "accession_number": "0000000001-24-000001"}
    rows = [
        {"cik": 1, "sector": "Energy"} | always | known,
        {"cik": 2} | always,
    ]
    frame = pd.DataFrame(rows).reindex(columns=[*CONTRACT.column_names])
    frame["as_of_date"] = pd.Timestamp("2024-03-31")
    frame["period_end"], frame["filed_date"] = (
        pd.Timestamp("2023-12-31"),
        pd.Timestamp("2024-02-20"),
    )
    frame["ladder_period_end"] = pd.to_datetime(["2023-12-31", None])
    for column in CONTRACT.columns:
        if column.sql_type in TYPES:
            frame[column.name] = frame[column.name].astype(TYPES[column.sql_type])
    return frame


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "accession_number", None),
    "value_infinite": lambda f: with_value(f, "interest_coverage", np.inf),
    "share_out_of_range": lambda f: with_value(f, "implied_floating_share", 1.1),
    "share_negative": lambda f: with_value(f, "floating_share_disclosed", -0.1),
    "interest_negative": lambda f: with_value(f, "interest_expense_ttm_usd", -5e7),
    "lookahead_report": lambda f: with_value(f, "filed_date", pd.Timestamp("2024-04-01")),
    "coverage_set_for_financial": lambda f: with_value(f, "sector", "Financials"),
    "is_zombie_inconsistent": lambda f: with_value(f, "is_zombie", pd.NA),
}
