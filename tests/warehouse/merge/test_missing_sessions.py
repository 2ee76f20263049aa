"""Price requests reach back over a session that the vendor lacked, for a week."""

from datetime import date

import pytest

from expectations.tables import daily_price
from tasks.plan.prices import price_requests
from warehouse.settings import Settings


# sessions: Mon 4 to Fri 8 March 2024, Mon 11 to Fri 15, Mon 18; missing: the 6th
@pytest.mark.parametrize("overlap", [1, 5])
def test_a_missing_session_is_requested_until_it_comes_or_a_week_has_passed(
    settings: Settings, bars, merged, overlap: int
) -> None:
    few = settings.model_copy(update={"overlap_sessions": overlap})
    days = ["2024-03-04", "2024-03-05", "2024-03-07", "2024-03-08", "2024-03-11"]

    def first_date(*loaded: str) -> date:
        merged(settings, daily_price.CONTRACT, bars(*(("AAA", day, 10.0) for day in loaded)))
        return price_requests(["AAA"], False, few)[0].start

    for newest in range(3, 6):
        start = first_date(*days[:newest])
        assert start <= date(2024, 3, 6), newest
    # on the 13th the hole is a week old, and a day later older
    assert first_date("2024-03-12", "2024-03-13") == date(2024, 3, 6)
    assert first_date("2024-03-14", "2024-03-15") > date(2024, 3, 6)


def test_a_session_that_came_is_no_longer_requested(settings: Settings, bars, merged) -> None:
    few = settings.model_copy(update={"overlap_sessions": 1})
    days = ("2024-03-04", "2024-03-05", "2024-03-07", "2024-03-08")
    merged(settings, daily_price.CONTRACT, bars(*(("AAA", day, 10.0) for day in days)))
    assert price_requests(["AAA"], False, few)[0].start == date(2024, 3, 6)
    merged(settings, daily_price.CONTRACT, bars(("AAA", "2024-03-06", 10.0)))
    assert price_requests(["AAA"], False, few)[0].start == date(2024, 3, 8)


def test_a_new_ticker_misses_no_session_before_its_first(settings: Settings, bars, merged) -> None:
    few = settings.model_copy(update={"overlap_sessions": 1})
    merged(
        settings,
        daily_price.CONTRACT,
        bars(("AAA", "2024-03-07", 10.0), ("AAA", "2024-03-08", 10.0)),
    )
    assert price_requests(["AAA"], False, few)[0].start == date(2024, 3, 8)
