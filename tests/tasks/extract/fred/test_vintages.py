"""Test windows of vintages: complete, with exact dates."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.extract.fred.parse import OBSERVATION_COLUMNS, diff_against_stored, parse_releases
from tasks.extract.fred.vintages import (
    FRED_MAX_DATE,
    FRED_MIN_DATE,
    VintageWindow,
    merge_realtime_windows,
    vintage_windows,
)

Row = tuple[date, date, date, float]  # observation, first and last day of validity, value
DAY = timedelta(days=1)


def reply(rows: list[Row], window: VintageWindow) -> pd.DataFrame:
    """Return ALFRED's reply for a window: rows valid in it, their start clipped to it."""
    sent = [
        {"realtime_start": max(start, window.start), "date": day, "value": value}
        for day, start, end, value in rows
        if start <= window.end and end >= window.start
    ]
    return pd.DataFrame(sent, columns=["realtime_start", "date", "value"], dtype=object)


def read(rows: list[Row], last: date | None, size: int) -> set[tuple[date, date, float]]:
    windows = vintage_windows({start for _, start, _, _ in rows}, last, size)
    merged = merge_realtime_windows([(window, reply(rows, window)) for window in windows])
    found = list(merged[["date", "realtime_start", "value"]].itertuples(index=False, name=None))
    assert len(found) == len(set(found))
    return set(found)


@st.composite
def series(draw: st.DrawFn) -> list[Row]:
    """Draw observations that are revised on some vintage dates."""
    first = date(2000, 1, 1)
    rows: list[Row] = []
    for month in range(draw(st.integers(1, 6))):
        days = draw(st.sets(st.integers(0, 60), min_size=1, max_size=8))
        starts = [first + DAY * day for day in sorted(days)]
        ends = [*(start - DAY for start in starts[1:]), FRED_MAX_DATE]
        for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
            rows.append((first + 31 * month * DAY, start, end, float(k)))
    return rows


@given(series(), st.integers(1, 9))
def test_windows_return_all_vintages(rows: list[Row], size: int) -> None:
    assert read(rows, None, size) == {(day, start, value) for day, start, _, value in rows}


@given(series(), st.integers(1, 9), st.integers(0, 70))
def test_later_run_returns_newest_stored_vintage_and_later(
    rows: list[Row], size: int, stored: int
) -> None:
    last = date(2000, 1, 1) + DAY * stored
    expected = {(day, start, value) for day, start, _, value in rows}
    found = read(rows, last, size)
    assert found <= expected
    assert found >= {row for row in expected if row[1] >= last}


def test_windows_stay_below_the_limit_and_share_one_date() -> None:
    days = [date(2000, 1, 1) + DAY * k for k in range(4000)]
    windows = vintage_windows(days, None)
    assert [(window.start, window.end) for window in windows] == [
        (FRED_MIN_DATE, days[1900]),
        (days[1900], days[3800]),
        (days[3800], FRED_MAX_DATE),
    ]
    assert [window.start_is_exact for window in windows] == [True, False, False]
    for window in windows:
        assert sum(window.start <= day <= window.end for day in days) <= 2000


def test_stored_vintage_is_requested_from_the_one_before() -> None:
    days = [date(2024, 4, 10), date(2024, 5, 15), date(2024, 6, 12)]
    (window,) = vintage_windows(days, date(2024, 5, 15))
    assert window == VintageWindow(date(2024, 4, 10), FRED_MAX_DATE, start_is_exact=False)
    (first,) = vintage_windows(days, date(2024, 4, 10))
    assert first == VintageWindow(FRED_MIN_DATE, FRED_MAX_DATE, start_is_exact=True)
    assert vintage_windows([], date(2024, 4, 10)) == []


def test_one_date_more_than_a_window_needs_no_second_window() -> None:
    days = [date(2024, 1, 1) + DAY * k for k in range(4)]
    assert [window.end for window in vintage_windows(days, None, size=3)] == [FRED_MAX_DATE]


def test_missing_values_have_reasons() -> None:
    frame = pd.DataFrame(
        {
            "realtime_start": [pd.Timestamp("2025-12-18"), pd.Timestamp("2025-12-18")],
            "date": [pd.Timestamp("2025-10-01"), pd.Timestamp("2025-11-01")],
            "value": [float("nan"), 325.0],
        },
        dtype=object,
    )
    rows = parse_releases("CPIAUCSL", frame)
    assert rows.dtypes.astype(str).to_dict() == OBSERVATION_COLUMNS
    assert rows["missing_reason"][0] == "never published: 2025 government shutdown"
    assert pd.isna(rows["missing_reason"][1])
    assert parse_releases("DGS10", frame)["missing_reason"][0] == "not_observed"


def test_empty_reply_has_the_same_dtypes() -> None:
    rows = parse_releases("CPIAUCSL", merge_realtime_windows([]))
    assert rows.dtypes.astype(str).to_dict() == OBSERVATION_COLUMNS


@pytest.mark.parametrize("unit", ["s", "us"])
def test_only_changed_values_get_the_day_of_the_request(unit: str) -> None:
    nan = float("nan")
    days = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01", "2024-05-01"]
    latest = pd.DataFrame(
        {
            "observation_date": pd.to_datetime(days).as_unit("s"),
            "value": [1.0, 2.5, nan, nan, 5.0],
        }
    )
    stored = pd.DataFrame(
        {
            "observation_date": pd.to_datetime(days[:3]).as_unit(unit),
            "value": pd.array([1.0, 2.0, None], dtype="Float64"),
        }
    )
    rows = diff_against_stored("X", latest, stored, date(2024, 6, 7))
    assert list(rows["observation_date"].dt.month) == [2, 4, 5]
    assert set(rows["vintage_date"]) == {pd.Timestamp("2024-06-07")}
    assert set(rows["source"]) == {"fredgraph"}
    assert len(diff_against_stored("X", latest, None, date(2024, 6, 7))) == 5
    same = diff_against_stored("X", latest, latest, date(2024, 6, 8))
    assert same.dtypes.astype(str).to_dict() == OBSERVATION_COLUMNS
    assert len(same) == 0
