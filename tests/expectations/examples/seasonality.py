"""Seasons: sound rows, and a bad row for each rule."""

import numpy as np
import pandas as pd

from expectations.tables.seasonality import CONTRACT
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    """A pair's first January, and its second."""
    days = {
        "base_session": ["2000-12-29", "2001-12-31"],
        "last_session": ["2001-01-31", "2002-01-31"],
        "known_from": ["2001-01-31", "2002-01-31"],
    }
    frame = pd.DataFrame({name: pd.to_datetime(values) for name, values in days.items()})
    return frame.assign(
        pair="IWM/SPY",
        season="january",
        year=[2001, 2002],
        excess_return=[0.03, -0.01],
        years=[1, 2],
        mean_excess_return=[0.03, 0.01],
        sd_excess_return=[np.nan, 0.0283],
        t_statistic=[np.nan, 0.5],
        hit_rate=[1.0, 0.5],
    )[[*CONTRACT.column_names]]


BROKEN = {
    "duplicate_row": lambda f: pd.concat([f, f.loc[[1]]], ignore_index=True),
    "value_missing": lambda f: with_value(f, "excess_return", np.nan),
    "value_infinite": lambda f: with_value(f, "t_statistic", np.inf),
    "season_unknown": lambda f: with_value(f, "season", "spring"),
    "hit_rate_out_of_range": lambda f: with_value(f, "hit_rate", 50.0),
    "excess_return_out_of_range": lambda f: with_value(f, "excess_return", 3.0),
    "years_not_positive": lambda f: with_value(f, "years", 0),
    "dates_out_of_order": lambda f: with_value(f, "known_from", pd.Timestamp("2001-01-30")),
}
