"""Runs of outperformance: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.streak_record import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A pair's first run, and the record of 2008."""
    days = {
        "session_date": ["2000-06-12", "2008-06-06"],
        "first_session": ["2000-06-06", "2008-05-20"],
        "as_long_before": [None, None],
        "longest_before_ended": [None, "2000-06-12"],
        "data_from": ["2000-05-26", "2000-05-26"],
    }
    frame = pd.DataFrame({name: pd.to_datetime(values) for name, values in days.items()})
    return frame.assign(
        pair="IWM/SPY",
        sessions=[5, 13],
        relative_return=[0.02, 0.06],
        rank=[1, 1],
        longest_before=pd.array([None, 5], dtype="Int32"),
    )[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "relative_return", np.nan),
    "value_infinite": lambda f: with_value(f, "relative_return", np.inf),
    "run_short": lambda f: with_value(f, "sessions", 4),
    "rank_not_positive": lambda f: with_value(f, "rank", 0),
    "rank_inconsistent": lambda f: with_value(f, "rank", 2, row=1),
    "dates_out_of_order": lambda f: with_value(f, "as_long_before", pd.Timestamp("2008-06-02"), 1),
}
