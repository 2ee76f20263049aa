"""Ladders as filed: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.debt_maturity import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A first year, and what comes after the fifth, which has no end."""
    frame = pd.DataFrame(
        {
            "cik": [320193, 320193],
            "period_end": pd.to_datetime(["2023-09-30"] * 2),
            "bucket": ["year_1", "after_5"],
            "accession_number": "0000320193-23-000106",
            "amount_usd": [9.943e9, 56.003e9],
            "family": "fiscal",
            "layout": "annual",
            "window_start": pd.to_datetime(["2023-10-01", "2028-10-01"]),
            "window_end": pd.to_datetime(["2024-09-30", None]),
            "is_partial": False,
            "form": "10-K",
            "filed_date": pd.to_datetime(["2023-11-03"] * 2),
            "known_from": pd.to_datetime(["2023-11-06"] * 2),
        }
    )
    return frame[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "amount_usd", np.nan),
    "value_infinite": lambda f: with_value(f, "amount_usd", np.inf),
    "bucket_unknown": lambda f: with_value(f, "bucket", "year_6"),
    "family_unknown": lambda f: with_value(f, "family", "mixed"),
    "layout_unknown": lambda f: with_value(f, "layout", "guessed"),
    "window_end_before_start": lambda f: with_value(f, "window_end", pd.Timestamp("2023-09-30")),
    "window_before_period": lambda f: with_value(f, "window_start", pd.Timestamp("2023-09-30")),
    "known_before_filed": lambda f: with_value(f, "known_from", pd.Timestamp("2023-11-03")),
    "amount_negative": lambda f: with_value(f, "amount_usd", -1.0),
}
