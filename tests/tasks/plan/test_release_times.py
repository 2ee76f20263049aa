"""When each source last had something new to tell, and what was asked of it since."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tasks.extract.ishares.extract import HoldingsRequest
from tasks.extract.yahoo.extract import PriceRequest
from tasks.plan.release_times import latest_due_holdings_date, latest_release_at, skip_up_to_date
from tasks.run.context import open_run

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
def test_something_new_is_due_by_each_sources_own_clock(
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


def test_what_was_answered_since_is_left_out(settings, query):
    settings = settings.model_copy(update={"clock": "2026-02-13T23:30:00+00:00"})
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
    with open_run("prices", settings, provider="yahoo") as run:
        left = skip_up_to_date.fn("daily_price", windows, False, run)
        assert [window.ticker for window in left] == ["NEW", "OLD", "SICK"]
        assert run.message == ""
        # none of them was asked for its whole history
        assert len(skip_up_to_date.fn("daily_price", windows, True, run)) == 5
        assert skip_up_to_date.fn("daily_price", windows[:2], False, run) == []
    assert run.end_state().message.startswith("Nothing is due: all was asked for since 2026")


@pytest.mark.parametrize(
    ("status", "held", "last_fetched_at", "now", "is_asked"),
    [
        # Yahoo had no bar of Friday the thirteenth at 18:30 in New York: at 21:30 it may
        ("loaded", "2026-02-12", "2026-02-13 18:30", "2026-02-13 21:30", True),
        ("loaded", None, "2026-02-13 18:30", "2026-02-13 21:30", True),
        ("loaded", "2026-02-13", "2026-02-13 18:30", "2026-02-13 21:30", False),
        # who did not trade is not asked for all night, nor on the holiday, Monday
        ("loaded", "2026-02-12", "2026-02-13 21:30", "2026-02-13 23:30", False),
        ("loaded", "2026-02-12", "2026-02-13 21:30", "2026-02-16 21:30", False),
        ("loaded", "2026-02-12", "2026-02-13 21:30", "2026-02-17 18:30", True),
        # runs that begin late, all at once
        ("loaded", "2026-02-12", "2026-02-13 18:30", "2026-02-13 19:30", False),
        # a half day, which ended at 13:00
        ("loaded", "2025-11-26", "2025-11-28 18:30", "2025-11-28 21:30", True),
        # these say themselves why there is no bar
        ("not_found", "2026-02-12", "2026-02-13 18:30", "2026-02-13 21:30", False),
        ("delisted", "2026-02-12", "2026-02-13 18:30", "2026-02-13 21:30", False),
        ("empty", "2026-02-12", "2026-02-13 18:30", "2026-02-13 21:30", False),
    ],
)
def test_a_bar_that_is_late_is_asked_for_until_the_evenings_last_run(
    settings, query, status, held, last_fetched_at, now, is_asked
):
    at, clock = (
        datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC).isoformat()
        for text in (last_fetched_at, now)
    )
    settings = settings.model_copy(update={"clock": clock})
    _note(settings, query, "daily_price", "IWM", status, "2025-11-03", at)
    last_held = None if held is None else date.fromisoformat(held)
    window = PriceRequest("IWM", date(2025, 11, 3), last_held)
    with open_run("prices", settings, provider="yahoo") as run:
        left = skip_up_to_date.fn("daily_price", [window], False, run)
    assert left == ([window] if is_asked else [])


def test_a_fund_that_sent_the_file_of_the_day_before_is_asked_again(settings, query):
    settings = settings.model_copy(update={"clock": "2026-02-13T15:00:00+00:00"})
    for fund, shown in (("IWM", "2026-02-12"), ("IVV", "2026-02-11")):
        _note(settings, query, "index_membership", fund, "loaded", shown, "2026-02-13 13:05+00")
    requests = [HoldingsRequest("IWM"), HoldingsRequest("IVV")]
    with open_run("holdings", settings, provider="ishares") as run:
        left = skip_up_to_date.fn("index_membership", requests, False, run)
    assert [request.fund for request in left] == ["IVV"]
