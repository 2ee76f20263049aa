"""Bars: each rule's bad row, and what must not be taken for one."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations.calendars.trading import session_closes
from expectations.tables.daily_price import CONTRACT, PRICES, add_context
from tasks.validate.validate import validate
from tests.expectations.conftest import with_value

NOW = datetime(2024, 7, 1, 23, tzinfo=UTC)
SESSIONS = session_closes().loc["2024-05-01":"2024-07-01"].index
ROW = 20


def make_bars(ticker: str = "AAA", close: float = 40.0) -> pd.DataFrame:
    """A share that moves by a percent a day, up to the session that has just closed."""
    wave = close * (1 + 0.01 * np.sin(np.arange(len(SESSIONS))))
    return pd.DataFrame(
        {
            "ticker": ticker,
            "session_date": SESSIONS,
            "open": wave,
            "high": wave * 1.01,
            "low": wave * 0.99,
            "close": wave,
            "volume": pd.array([1_000_000] * len(SESSIONS), dtype="Int64"),
            "source": "yahoo",
            "volume_resolution": 1.0,
            "removed_split_factor": 1.0,
        }
    )


def make_frame() -> pd.DataFrame:
    """Two sound shares."""
    bars = pd.concat([make_bars(), make_bars("BBB", 9.0)], ignore_index=True)
    return add_context(bars, NOW)


def scale(frame: pd.DataFrame, factor: float, rows: slice) -> pd.DataFrame:
    """The rows (of AAA, both ends included) at another level."""
    frame.loc[rows, [*PRICES]] *= factor
    return frame


def with_split(frame: pd.DataFrame, ratio: float, ex_row: int) -> pd.DataFrame:
    """A split of AAA, applied by the vendor and undone: as traded, the closes before are higher."""
    frame.loc[: ex_row - 1, "removed_split_factor"] = ratio
    return scale(frame, ratio, slice(0, ex_row - 1))


def held_as(frame: pd.DataFrame, factor: float = 1.0) -> pd.DataFrame:
    """Held closes of all sessions but the newest."""
    held = frame["close"] * factor
    return frame.assign(stored_close=held.where(frame["session_date"] < SESSIONS[-1]))


LAST = len(SESSIONS) - 1
BROKEN = {
    "price_missing": lambda f: with_value(f, "open", np.nan, row=ROW),
    "price_not_positive": lambda f: with_value(f, "low", 0.0, row=ROW),
    "price_implausible": lambda f: with_value(f, "high", np.inf, row=ROW),
    "ohlc_order": lambda f: with_value(f, "high", f.loc[ROW, "close"] * 0.999, row=ROW),
    "volume_negative": lambda f: with_value(f, "volume", -1, row=ROW),
    "not_a_session": lambda f: with_value(f, "session_date", pd.Timestamp("2024-06-19"), row=ROW),
    "unfinished_session": lambda f: f.assign(checked_at=pd.Timestamp("2024-07-01 19:59", tz="UTC")),
    "duplicate_bar": lambda f: pd.concat([f, f.loc[[ROW]]], ignore_index=True),
    "price_off_by_100x": lambda f: scale(f, 100, slice(ROW, ROW + 2)),
    "split_not_applied": lambda f: scale(with_split(f, 3, 30), 3, slice(ROW, ROW + 4)),
    "price_spike_reverted": lambda f: scale(f, 6, slice(ROW, ROW)),
    "untraded_spike": lambda f: with_value(scale(f, 6, slice(ROW, ROW)), "volume", 0, row=ROW),
    "unconfirmed_jump": lambda f: scale(f, 6, slice(LAST, LAST)),
    "adjusted_without_split": lambda f: held_as(f, 2.0),
    "unexplained_price_jump": lambda f: scale(f, 5, slice(ROW, LAST)),
    "transient_price_level": lambda f: scale(f, 0.36, slice(ROW, ROW + 2)),
    "stale_price": lambda f: f.assign(close=40.0, open=40.0, high=41.0, low=8.0),
    "quarantined_share": lambda f: scale(f, -1, slice(ROW, ROW + 9)),
}


def set_aside(frame: pd.DataFrame) -> dict[str, list[str]]:
    """The sessions of AAA that went to quarantine, by rule."""
    found = validate(CONTRACT, frame).quarantine
    keys = found["key"].str.extract(r'"session_date": "(.+)"')[0]
    return keys.groupby(found["rule"]).agg(list).to_dict()


def days(rows: slice) -> list[str]:
    return [str(day.date()) for day in SESSIONS[rows]]


def test_sound_bars_pass():
    frame = make_frame()
    validated = validate(CONTRACT, frame)
    assert validated.rule_results["success"].all()
    assert list(validated.valid_rows.columns) == list(CONTRACT.input_columns)
    pd.testing.assert_frame_equal(validated.valid_rows, frame[[*CONTRACT.input_columns]])


@pytest.mark.parametrize("rule", CONTRACT.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_row(rule, assert_broken):
    assert_broken(CONTRACT, rule, BROKEN[rule.name](make_frame()))


def test_a_missing_volume_is_kept():
    frame = with_value(make_frame(), "volume", pd.NA, row=ROW)
    frame.loc[ROW, [*PRICES]] = frame.loc[ROW - 1, [*PRICES]]
    assert set_aside(frame) == {}


def test_repeats_that_agree_leave_one_and_those_that_differ_none():
    frame = make_frame()
    other = frame.loc[[ROW + 1]].assign(close=40.01)
    found = set_aside(pd.concat([frame, frame.loc[[ROW]], other], ignore_index=True))
    assert found == {"duplicate_bar": [*days(slice(ROW + 1, ROW + 2)), *days(slice(ROW, ROW + 2))]}


@pytest.mark.parametrize("closed", ["2025-01-09", "2024-12-25", "2025-01-11"])
def test_days_on_which_the_exchange_was_closed(closed):
    frame = make_frame().loc[[0]].assign(session_date=pd.Timestamp(closed))
    frame["checked_at"] = pd.Timestamp("2025-02-01", tz="UTC")
    assert list(set_aside(frame)) == ["not_a_session"]


@pytest.mark.parametrize(
    ("session", "instant", "is_finished"),
    [
        ("2024-07-01", "2024-07-01 16:00", True),
        ("2024-07-01", "2024-07-01 15:59", False),
        ("2024-07-03", "2024-07-03 13:00", True),  # the half day before Independence Day
        ("2024-07-03", "2024-07-03 12:59", False),
        ("2024-07-05", "2024-07-03 18:00", False),
    ],
)
def test_a_session_is_finished_when_the_exchange_closes(session, instant, is_finished):
    now = pd.Timestamp(instant, tz="America/New_York").to_pydatetime()
    bars = make_bars().loc[[0]].assign(session_date=pd.Timestamp(session))
    assert (set_aside(add_context(bars, now)) == {}) == is_finished


def test_held_closes_are_found_by_ticker_and_session():
    held = pd.DataFrame({"ticker": ["BBB"], "session_date": [SESSIONS[3].date()], "close": [8.5]})
    frame = add_context(pd.concat([make_bars(), make_bars("BBB")]), NOW, held)
    assert frame["stored_close"].dropna().to_dict() == {3: 8.5}


def test_the_seventh_digit_is_no_disorder():
    frame = make_frame()
    frame["high"] = frame["close"] * (1 - 2e-7)
    assert set_aside(frame) == {}
