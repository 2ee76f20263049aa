"""Release times of the sources, and requests skipped because nothing new was released."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tasks.extract.ishares.extract import HoldingsRequest
from tasks.extract.yahoo.extract import PriceRequest
from tasks.plan.last_fetches import skip_up_to_date
from tasks.plan.release_times import latest_due_holdings_date, latest_release_at

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("dataset", "is_whole", "now", "since"),
    [
        ("daily_price", False, "2026-02-13 16:00", "2026-02-13 16:00"),
        ("daily_price", False, "2026-02-13 15:59", "2026-02-12 16:00"),
        # the day after Thanksgiving is a half day; 2025-01-09 was a day of mourning
        ("daily_price", False, "2025-11-28 18:30", "2025-11-28 13:00"),
        ("daily_price", False, "2025-01-09 18:30", "2025-01-08 16:00"),
        ("daily_price", True, "2026-02-13 18:30", "2026-02-07 10:00"),
        ("daily_price", True, "2026-02-14 10:00", "2026-02-14 10:00"),
        ("macro_observation", False, "2026-02-13 08:35", "2026-02-13 08:35"),
        ("macro_observation", False, "2026-02-13 08:34", "2026-02-12 16:35"),
        ("macro_observation", False, "2026-02-16 07:00", "2026-02-13 16:35"),
        ("index_membership", False, "2026-02-13 08:00", "2026-02-13 08:00"),
        ("index_membership", False, "2026-02-13 07:59", "2026-02-12 08:00"),
        # Monday is Presidents' Day: Friday's file is due on Tuesday
        ("index_membership", False, "2026-02-16 12:00", "2026-02-13 08:00"),
        ("index_membership", False, "2026-02-17 08:00", "2026-02-17 08:00"),
        # the clock of New York goes forward on March 8
        ("macro_observation", False, "2026-03-09 08:36", "2026-03-09 08:35"),
    ],
)
def test_latest_release_follows_the_calendar_of_each_source(
    dataset: str, is_whole: bool, now: str, since: str
) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=NEW_YORK).astimezone(UTC)
    found = latest_release_at(dataset, instant, is_whole)
    assert found == datetime.fromisoformat(since).replace(tzinfo=NEW_YORK)


def test_a_file_is_due_on_the_morning_of_the_next_session() -> None:
    assert latest_due_holdings_date(datetime(2026, 2, 16, 23, tzinfo=UTC)) == date(2026, 2, 12)
    assert latest_due_holdings_date(datetime(2026, 2, 17, 13, tzinfo=UTC)) == date(2026, 2, 13)


def _note(settings, query, dataset, item, status, start, at):
    [(run_id,)] = query(
        settings,
        "insert into audit.run (flow, process, clock_at) values ('x', 'x:1', %s) returning run_id",
        (at,),
    )
    query(
        settings,
        """
        insert into audit.fetch (run_id, source, dataset, item, window_start, window_end, status,
            reason, detail, rows, attempts, started_at, finished_at)
        values (%s, 'x', %s, %s, %s, %s, %s, nullif(%s, 'loaded'), '', 0, 1, now(),
            clock_timestamp()) returning 1
        """,
        (run_id, dataset, item, start, start, status, status),
    )


def test_items_fetched_since_the_latest_release_are_skipped(settings, query):
    now = datetime(2026, 2, 13, 23, 30, tzinfo=UTC)
    before, since = "2026-02-13 20:00+00", "2026-02-13 21:30+00"
    for item, status, at in (
        ("DONE", "loaded", since),
        ("GONE", "not_found", since),
        ("OLD", "loaded", before),
        ("SICK", "throttled", since),
    ):
        _note(settings, query, "daily_price", item, status, "2026-01-30", at)
    held = date(2026, 2, 13)
    windows = [
        PriceRequest(ticker, date(2026, 1, 30), held)
        for ticker in ("DONE", "GONE", "NEW", "OLD", "SICK")
    ]
    remaining, message = skip_up_to_date("daily_price", windows, False, now, settings)
    assert [window.ticker for window in remaining] == ["NEW", "OLD", "SICK"]
    assert message == ""
    # no full history was fetched of any of them
    assert len(skip_up_to_date("daily_price", windows, True, now, settings)[0]) == 5
    remaining, message = skip_up_to_date("daily_price", windows[:2], False, now, settings)
    assert remaining == []
    assert message.startswith("Up to date: everything was fetched since 2026")


@pytest.mark.parametrize(
    ("status", "held", "last_fetched_at", "now", "is_requested"),
    [
        # Yahoo had no bar of Friday the thirteenth at 18:30 in New York: at 21:30 it may
        ("loaded", "2026-02-12", "2026-02-13 18:30", "2026-02-13 21:30", True),
        ("loaded", None, "2026-02-13 18:30", "2026-02-13 21:30", True),
        ("loaded", "2026-02-13", "2026-02-13 18:30", "2026-02-13 21:30", False),
        # a ticker without a trade is not requested all night, nor on the holiday, Monday
        ("loaded", "2026-02-12", "2026-02-13 21:30", "2026-02-13 23:30", False),
        ("loaded", "2026-02-12", "2026-02-13 21:30", "2026-02-16 21:30", False),
        ("loaded", "2026-02-12", "2026-02-13 21:30", "2026-02-17 18:30", True),
        # runs that begin late, all at once
        ("loaded", "2026-02-12", "2026-02-13 18:30", "2026-02-13 19:30", False),
        # a half day, which ended at 13:00
        ("loaded", "2025-11-26", "2025-11-28 18:30", "2025-11-28 21:30", True),
        # the status itself explains the missing bar
        ("not_found", "2026-02-12", "2026-02-13 18:30", "2026-02-13 21:30", False),
        ("delisted", "2026-02-12", "2026-02-13 18:30", "2026-02-13 21:30", False),
        ("empty", "2026-02-12", "2026-02-13 18:30", "2026-02-13 21:30", False),
    ],
)
def test_a_late_bar_is_requested_until_the_last_run_of_the_evening(
    settings, query, status, held, last_fetched_at, now, is_requested
):
    fetched_at, at = (
        datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)
        for text in (last_fetched_at, now)
    )
    _note(settings, query, "daily_price", "IWM", status, "2025-11-03", fetched_at.isoformat())
    last_held = None if held is None else date.fromisoformat(held)
    window = PriceRequest("IWM", date(2025, 11, 3), last_held)
    remaining, _ = skip_up_to_date("daily_price", [window], False, at, settings)
    assert remaining == ([window] if is_requested else [])


def test_a_fund_that_sent_the_previous_file_is_requested_again(settings, query):
    now = datetime(2026, 2, 13, 15, tzinfo=UTC)
    for fund, shown in (("IWM", "2026-02-12"), ("IVV", "2026-02-11")):
        _note(settings, query, "index_membership", fund, "loaded", shown, "2026-02-13 13:05+00")
    requests = [HoldingsRequest("IWM"), HoldingsRequest("IVV")]
    remaining, _ = skip_up_to_date("index_membership", requests, False, now, settings)
    assert [request.fund for request in remaining] == ["IVV"]
