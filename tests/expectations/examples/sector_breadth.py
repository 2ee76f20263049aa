"""Breadth of an index: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.sector_breadth import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A first session, with nothing to compare to, and one long after it."""
    floats = [c.name for c in CONTRACT.columns if c.sql_type == "double precision"]
    frame = pd.DataFrame(
        {
            "index_code": "R2000",
            "sector": "All",
            "session_date": pd.to_datetime(["2024-01-02", "2025-06-30"]),
            **{name: [np.nan, 0.25] for name in floats},
            "members": 2000,
            "priced": [0, 1990],
            "advancers": [0, 1500],
            "decliners": [0, 480],
            "unchanged": [0, 10],
            "advancing_volume": [0, 2_000_000_000],
            "declining_volume": [0, 900_000_000],
            **{f"eligible_{n}": [0, 1900] for n in (20, 50, 200, 252)},
            "new_highs_252": [0, 30],
            "new_lows_252": [0, 4],
            "ad_line": [0, -1200],
            "thrust_sessions_since_low": pd.array([None, 12], dtype="Int64"),
            "is_zweig_thrust": pd.array([None, False], dtype="boolean"),
            "membership_as_of": pd.to_datetime(["2024-01-05", "2025-06-27"]),
            "is_backcast": [True, False],
        }
    )
    return frame[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: f.assign(membership_as_of=pd.to_datetime(["2024-01-05", None])),
    "no_members": lambda f: f.assign(members=[2000, 0]),
    "more_than_members": lambda f: with_value(f, "eligible_50", 2001, row=1),
    "advances_declines_mismatch": lambda f: with_value(f, "unchanged", 11, row=1),
    "volume_negative": lambda f: with_value(f, "declining_volume", -1, row=1),
    "pct_above_20_out_of_range": lambda f: with_value(f, "pct_above_20", 100.1, row=1),
    "pct_above_50_out_of_range": lambda f: with_value(f, "pct_above_50", -0.1, row=1),
    "pct_above_200_out_of_range": lambda f: with_value(f, "pct_above_200", 100.1, row=1),
    "thrust_out_of_range": lambda f: with_value(f, "thrust_ema_10", 1.001, row=1),
    "oscillator_out_of_range": lambda f: with_value(f, "mcclellan_oscillator", -2001.0, row=1),
    "ema_null_inconsistent": lambda f: with_value(f, "mcclellan_ema_19", 1.0, row=0),
    "return_implausible": lambda f: with_value(f, "equal_weight_return", 0.6, row=1),
    "value_infinite": lambda f: with_value(f, "trin", np.inf, row=1),
}
