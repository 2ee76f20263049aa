"""Concentration of an index: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from tests.expectations.conftest import with_value


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


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "hhi", np.nan, row=1),
    "hhi_out_of_range": lambda f: with_value(f, "hhi", 0.0004, row=1),
    "effective_members_out_of_range": lambda f: with_value(f, "effective_members", 2003.0, row=1),
    "top_10_out_of_range": lambda f: with_value(f, "top_10_weight_pct", 0.4, row=1),
    "magnificent_seven_out_of_range": lambda f: with_value(
        f, "magnificent_seven_weight_pct", 101.0, row=1
    ),
}
