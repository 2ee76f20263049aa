"""Valuation: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.valuation import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """An index with multiples, and a sector whose figures are known for too few members."""
    frame = pd.DataFrame(
        {
            "index_code": "R2000",
            "sector": ["All", "Energy"],
            "as_of_date": pd.Timestamp("2024-03-31"),
            "members": [1900, 100],
            "members_with_earnings": [1500, 40],
            "loss_makers": [600, 10],
            "market_value_usd": [3e12, 1e11],
            "net_income_ttm_usd": [1e11, 1e10],
            "net_income_ttm_ex_losers_usd": [1.8e11, 1.2e10],
            "price_to_earnings": [30.0, np.nan],
            "price_to_earnings_ex_losers": [15.0, np.nan],
            "earnings_yield": [1 / 30, np.nan],
            "earnings_coverage_pct": [85.0, 45.0],
            "revenue_ttm_usd": [2e12, 1e11],
            "price_to_sales": [1.5, np.nan],
            "sales_coverage_pct": [80.0, 40.0],
            "membership_as_of": pd.Timestamp("2024-03-28"),
            "is_backcast": False,
        }
    )
    return frame[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "market_value_usd", np.nan),
    "value_infinite": lambda f: with_value(f, "earnings_yield", np.inf),
    "coverage_out_of_range": lambda f: with_value(f, "sales_coverage_pct", 101.0),
    "multiple_without_coverage": lambda f: with_value(f, "earnings_coverage_pct", 59.0),
    "multiple_negative": lambda f: with_value(f, "price_to_sales", -1.5),
}
