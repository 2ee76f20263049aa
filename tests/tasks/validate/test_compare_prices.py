"""The comparison of two sources, value by value, with expected values by hand."""

from datetime import date

import pandas as pd
import pytest

from tasks.validate.compare_prices import (
    Comparison,
    compare_prices,
    differs_beyond_rounding,
    find_sessions_without_bars,
)

# Monday to Friday
DAYS = [date(2026, 2, day) for day in (9, 10, 11, 12, 13)]
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = DAYS


def source(closes: dict[date, float], splits: dict[date, float] | None = None) -> pd.DataFrame:
    rows = [("AAA", day, close, (splits or {}).get(day, 1.0)) for day, close in closes.items()]
    frame = pd.DataFrame(rows, columns=["ticker", "session_date", "close", "split_factor"])
    return frame.assign(session_date=pd.to_datetime(frame["session_date"]))


def differences(
    stored: dict[date, float],
    sent: dict[date, float],
    stored_splits: dict[date, float] | None = None,
    sent_splits: dict[date, float] | None = None,
) -> list[tuple[date, str, float, float]]:
    found = compare_prices(
        {"AAA": DAYS},
        {("AAA", day): close for day, close in stored.items()},
        {("AAA", day): value for day, value in (stored_splits or {}).items()},
        source(sent, sent_splits),
    )
    return [
        (each.session_date, each.field, each.stored_value, each.source_value)
        for each in found
        if each.is_different
    ]


SAME = dict.fromkeys(DAYS, 50.0)


@pytest.mark.parametrize(
    ("close", "other", "is_different"),
    [
        (61.07, 61.07, False),
        # single precision
        (61.07, 61.06999969482422, False),
        # a cent is rounding, two are not
        (61.07, 61.08, False),
        (61.07, 61.09, True),
        # 0.01 % of 4,000 USD is 0.40
        (4000.00, 4000.40, False),
        (4000.00, 4000.41, True),
        # below a dollar prices have four digits, and a cent is much
        (0.2512, 0.2513, False),
        (0.2512, 0.2514, True),
        (0.25, 0.26, True),
    ],
)
def test_rounding_of_closes(close: float, other: float, is_different: bool) -> None:
    assert differs_beyond_rounding(close, other) is is_different
    assert differs_beyond_rounding(other, close) is is_different


def test_equal_sources_have_three_equal_values_per_session() -> None:
    found = compare_prices({"AAA": DAYS}, {("AAA", day): 50.0 for day in DAYS}, {}, source(SAME))
    assert len(found) == 15
    assert not any(each.is_different for each in found)


def test_a_close_differs_on_its_session_alone() -> None:
    assert differences(SAME, SAME | {TUESDAY: 51.0}) == [(TUESDAY, "close", 50.0, 51.0)]


def test_a_split_of_one_source_has_ratio_1_at_the_other() -> None:
    ours, theirs = {WEDNESDAY: 4.0}, {THURSDAY: 0.1}
    assert differences(SAME, SAME, ours, theirs) == [
        (WEDNESDAY, "split", 4.0, 1.0),
        (THURSDAY, "split", 1.0, 0.1),
    ]


def test_a_ratio_with_fewer_digits_is_the_same_split() -> None:
    # Yahoo has 1043:1000 where the company distributes 1 new share for 23 old ones
    assert differences(SAME, SAME, {MONDAY: 1.043}, {MONDAY: 1.04347826}) == []
    assert differences(SAME, SAME, {MONDAY: 1.043}, {MONDAY: 1.05}) != []


def test_newest_sessions_may_be_late_at_either_source() -> None:
    early = dict.fromkeys(DAYS[:3], 50.0)
    assert differences(SAME, early) == []
    assert differences(early, SAME) == []


def test_an_older_session_that_one_source_lacks_is_a_difference() -> None:
    short = dict.fromkeys(DAYS[:2], 50.0)
    assert differences(SAME, short) == [(WEDNESDAY, "bar", 1.0, 0.0)]
    assert differences(short, SAME) == [(WEDNESDAY, "bar", 0.0, 1.0)]


def test_a_session_is_not_late_when_a_later_one_is_there() -> None:
    gap = {day: 50.0 for day in DAYS if day != THURSDAY}
    assert differences(SAME, gap) == [(THURSDAY, "bar", 1.0, 0.0)]
    assert differences(gap, SAME) == [(THURSDAY, "bar", 0.0, 1.0)]


def test_what_neither_source_has_is_not_compared() -> None:
    listed_on_thursday = {THURSDAY: 20.0, FRIDAY: 21.0}
    found = compare_prices(
        {"AAA": DAYS},
        {("AAA", day): close for day, close in listed_on_thursday.items()},
        {},
        source(listed_on_thursday),
    )
    assert {each.session_date for each in found} == {THURSDAY, FRIDAY}


def test_an_empty_reply_lacks_all_stored_bars_that_are_not_new() -> None:
    assert differences(SAME, {}) == [(day, "bar", 1.0, 0.0) for day in DAYS[:3]]


def test_sessions_that_neither_source_has_any_more() -> None:
    stored = {("AAA", MONDAY): 50.0, ("BBB", TUESDAY): 9.0}
    windows = {"AAA": DAYS[:4]}
    assert find_sessions_without_bars(windows, stored, source({WEDNESDAY: 50.0})) == [
        ("AAA", TUESDAY),
        ("AAA", THURSDAY),
    ]


def test_a_ticker_without_a_reply_is_not_compared() -> None:
    assert compare_prices({}, {("AAA", MONDAY): 50.0}, {}, source({})) == []


def test_line_for_people() -> None:
    comparison = Comparison("AAA", MONDAY, "close", 50.25, 51.0, is_different=True)
    # the source's value is for internal use, and a log may be sent elsewhere
    expected = "AAA 2026-02-09 close: 50.25 stored, another value at Tiingo (USD)"
    assert str(comparison) == expected
