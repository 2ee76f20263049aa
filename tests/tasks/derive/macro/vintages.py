"""A small economy: daily, weekly, monthly and quarterly series with their vintages."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from expectations.tables import macro_observation
from tests.tasks.derive.pipeline import House

FIRST, LAST = date(2022, 1, 3), date(2023, 12, 29)
MISSING = date(2023, 6, 1)


def make_vintages(seed: int = 5) -> pd.DataFrame:
    """Random series with revisions, a month that was never published, hikes and cuts."""
    rng = np.random.default_rng(seed)
    rows = []
    weekdays = [day.date() for day in pd.bdate_range(FIRST, LAST)]
    for name, level in (
        *(("DFF", 4.0), ("T10Y2Y", 0.1), ("T10Y3M", 0.2), ("BAMLH0A0HYM2", 4.0)),
        *(("DTWEXBGS", 120.0), ("DGS2", 4.0), ("DGS10", 4.0)),
    ):
        values = level + np.cumsum(rng.normal(0, 0.04, len(weekdays)))
        is_holiday = rng.random(len(weekdays)) < 0.03
        for n, day in enumerate(weekdays[:-1]):
            value = None if is_holiday[n] else round(float(values[n]), 2)
            rows.append((name, day, weekdays[n + 1], value))
    # one yield is corrected a week later
    rows.append(("DGS10", weekdays[300], weekdays[306], 9.0))
    target = 3.0
    for n, day in enumerate(weekdays):
        if n % 55 == 54:
            target += 0.25 if n < 300 else -0.25
        rows.append(("DFEDTARU", day, day, target))
    for start in pd.date_range(FIRST - timedelta(days=800), LAST, freq="MS"):
        released = (start + pd.DateOffset(months=1, days=11)).date()
        for name in ("CPIAUCNS", "CPIAUCSL", "CPILFENS", "UNRATE"):
            level = 4.0 if name == "UNRATE" else 300.0
            value = None if start.date() == MISSING else round(level + float(rng.normal()), 3)
            rows.append((name, start.date(), released, value))
            if name == "CPIAUCSL" and value is not None:
                later = released + timedelta(days=31)
                rows.append((name, start.date(), later, round(value + 0.1, 3)))
    for start in pd.date_range(FIRST - timedelta(days=800), LAST, freq="QS"):
        for name, level in (("A191RL1Q225SBEA", 2.0), ("GDPC1", 20000.0)):
            for months in (4, 5, 6):
                released = (start + pd.DateOffset(months=months, days=26)).date()
                rows.append((name, start.date(), released, round(level + float(rng.normal()), 1)))
    for end in pd.date_range(FIRST, LAST, freq="W-SAT"):
        for days in (5, 12):
            released = (end + pd.Timedelta(days=days)).date()
            rows.append(("ICSA", end.date(), released, float(rng.integers(200, 260)) * 1000))
    frame = pd.DataFrame(
        rows, columns=["series_id", "observation_date", "vintage_date", "value"]
    ).astype({"value": float})
    for name in ("observation_date", "vintage_date"):
        frame[name] = pd.to_datetime(frame[name])
    reason = frame["value"].isna().map({True: "never published", False: None})
    frame = frame.assign(missing_reason=reason, source="alfred")
    return frame[frame["vintage_date"] <= pd.Timestamp(LAST)]


def load_vintages(house: House, vintages: pd.DataFrame) -> None:
    """Loads vintages in one batch."""
    house.load((macro_observation.CONTRACT, vintages.reset_index(drop=True)))
