"""The shock of rates: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.rate_shock import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A cut and a rise of the same size, half of the debt's kind being known."""
    frame = pd.DataFrame(
        {
            "index_code": "R2000",
            "sector": "All",
            "as_of_date": pd.Timestamp("2024-03-31"),
            "shock_bp": [-100, 100],
            "members": 20,
            "members_with_debt": 18,
            "members_with_floating_share": 10,
            "total_debt_usd": 1e10,
            "floating_share_coverage_pct": 50.0,
            "floating_debt_usd": 2e9,
            "floating_share": 0.4,
            "interest_change_usd": [-2e7, 2e7],
            "interest_change_low_usd": [-7e7, 2e7],
            "interest_change_high_usd": [-2e7, 7e7],
            "pretax_income_ttm_usd": [1e9, np.nan],
            "pretax_change_pct": [2.0, np.nan],
            "members_with_coverage": [15, 0],
            "interest_coverage": [3.0, np.nan],
            "interest_coverage_after": [3.2, np.nan],
            "interest_coverage_after_bound": [3.5, np.nan],
            "membership_as_of": pd.Timestamp("2024-03-28"),
            "is_backcast": False,
        }
    )
    return frame[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "floating_debt_usd", np.nan),
    "value_infinite": lambda f: with_value(f, "interest_coverage_after", np.inf),
    "share_out_of_range": lambda f: with_value(f, "floating_share", 1.2),
    "coverage_out_of_range": lambda f: with_value(f, "floating_share_coverage_pct", -1.0),
    "financial_shock": lambda f: with_value(f, "sector", "Financials"),
    "change_outside_bounds": lambda f: with_value(f, "interest_change_high_usd", -3e7),
}
