"""The wall: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.refinancing_wall import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """One year whose rates are known, and the open end, of which they are not."""
    frame = pd.DataFrame(
        {
            "index_code": "R2000",
            "sector": "All",
            "as_of_date": pd.Timestamp("2024-03-31"),
            "due_year": [2025, 9999],
            "principal_usd": [4e9, 6e9],
            "companies": [10, 12],
            "share_of_total": [0.4, 0.6],
            "cumulative_share": [0.4, 1.0],
            "weighted_effective_rate": [0.05, np.nan],
            "principal_with_rate_usd": [4e9, 0.0],
            "market_rate": [0.08, np.nan],
            "market_rate_series": ["BAMLH0A0HYM2EY", None],
            "uplift_usd": [1.2e8, np.nan],
            "zombie_principal_usd": [1e9, 0.0],
            "members": 20,
            "members_with_debt": 18,
            "members_with_ladder": 15,
            "members_with_excluded_ladder": 2,
            "total_debt_usd": 1.2e10,
            "ladder_total_usd": 1e10,
            "debt_coverage_pct": 80.0,
            "membership_as_of": pd.Timestamp("2024-03-28"),
            "is_backcast": False,
        }
    )
    return frame[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "debt_coverage_pct", np.nan),
    "value_infinite": lambda f: with_value(f, "uplift_usd", -np.inf),
    "coverage_out_of_range": lambda f: with_value(f, "debt_coverage_pct", 100.5),
    "year_out_of_range": lambda f: with_value(f, "due_year", 1999),
    "cumulative_above_one": lambda f: with_value(f, "cumulative_share", 1.01),
    "more_than_members": lambda f: with_value(f, "companies", 21),
    "more_than_total": lambda f: with_value(f, "zombie_principal_usd", 4.1e9),
}
