"""On which days EDGAR has an index."""

from datetime import date, datetime

import pytest

from expectations.calendars.edgar import (
    index_days,
    is_definitely_closed,
    last_index_day,
    may_be_closed,
)


@pytest.mark.parametrize(
    ("day", "is_possible", "is_certain"),
    [
        ("2024-05-07", False, False),
        ("2024-05-11", True, True),  # a Saturday
        ("2024-12-25", True, True),
        ("2024-03-29", True, False),  # Good Friday: the exchange rests, EDGAR works
        ("2024-10-14", True, False),  # Columbus Day: the exchange works, EDGAR rests
        ("2025-01-09", True, False),  # a president was mourned: the exchange rested
    ],
)
def test_closed_days(day: str, is_possible: bool, is_certain: bool) -> None:
    found = may_be_closed(date.fromisoformat(day)), is_definitely_closed(date.fromisoformat(day))
    assert found == (is_possible, is_certain)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2024-05-07T21:59:00-04:00", "2024-05-06"),
        ("2024-05-07T22:00:00-04:00", "2024-05-07"),
        ("2024-05-08T02:01:00+00:00", "2024-05-07"),
    ],
)
def test_the_index_of_a_day_is_there_at_ten_in_new_york(now: str, day: str) -> None:
    assert last_index_day(datetime.fromisoformat(now)) == date.fromisoformat(day)


def test_days_from_the_first_on() -> None:
    now = datetime.fromisoformat("2024-12-27T06:00:00-05:00")
    found = index_days(date(2024, 12, 20), now)
    assert [day.isoformat()[5:] for day in found] == ["12-20", "12-23", "12-24", "12-26"]
    assert index_days(date(2024, 12, 27), now) == []
