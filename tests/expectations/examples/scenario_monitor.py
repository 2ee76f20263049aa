"""Conditions of scenarios: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.scenario_monitor import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A condition that is met, and one that never was."""
    frame = pd.DataFrame("text", index=range(2), columns=[*CONTRACT.column_names])
    met = pd.to_datetime(["2026-02-02", None])
    return frame.assign(
        condition=["one", "two"],
        newest_value=[4.2, 1.0],
        is_met=[True, False],
        met_since=met,
        first_met=met,
        last_met=met,
        days_met=[9, 0],
        known_since=pd.Timestamp("2020-01-02"),
        as_of_date=pd.Timestamp("2026-02-13"),
    )


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "threshold", None),
    "value_infinite": lambda f: with_value(f, "newest_value", np.inf),
    "run_contradictory": lambda f: with_value(f, "met_since", pd.NaT),
}
