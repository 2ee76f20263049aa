"""What backfills of macro series and of holdings files find missing, and what they ask for."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.datasets.holdings import plan_holdings_backfill
from tasks.backfill.datasets.macro import plan_macro_backfill
from tasks.backfill.plan import BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import resolve_request
from warehouse.settings import Settings

# a Friday evening: Friday's file is due on Tuesday, Monday being a holiday
INSTANT = datetime(2026, 2, 13, 23, tzinfo=UTC)
NOW, WEEKS_AGO = "2026-02-13 22:00+00", "2026-01-20 22:00+00"
Ask = Callable[..., int]


@pytest.fixture
def ask(settings: Settings, query: Any) -> Ask:
    """Writes a request into the ledger; the run's number."""

    def write(dataset: str, item: str, status: str, at: str = NOW, start: str | None = None) -> int:
        insert = "insert into audit.run (flow, process, clock_at) values ('x', 'x:1', %s)"
        [(run_id,)] = query(settings, insert + " returning run_id", (at,))
        query(
            settings,
            """
            insert into audit.fetch (run_id, source, dataset, item, window_start, window_end,
                status, reason, detail, rows, attempts, started_at, finished_at)
            values (%(run)s, 'x', %(dataset)s, %(item)s, %(start)s, %(start)s, %(status)s,
                nullif(%(status)s, 'loaded'), '', 0, 1, now(), clock_timestamp())
            returning 1
            """,
            {"run": run_id, "dataset": dataset, "item": item, "start": start, "status": status},
        )
        return int(run_id)

    return write


@pytest.fixture
def macro(settings: Settings, query: Any, ask: Ask) -> Callable[..., BackfillPlan]:
    """Holds observations of a series and surveys it."""

    def survey(
        series: str, days: tuple[str, ...], status: str, at: str, **more: Any
    ) -> BackfillPlan:
        run_id = ask("macro_observation", series, status, at)
        for day in days:
            query(
                settings,
                """
                insert into core.macro_observation
                values (%s, %s, '2026-01-01', 1, null, 'alfred', now(), %s) returning 1
                """,
                (series, day, run_id),
            )
        asked = {"dataset": "macro", "series_ids": [series], **more}
        return plan_macro_backfill(resolve_request(asked, ["macro"], INSTANT, settings))

    return survey


MONTHS = ("2025-09-01", "2025-11-01", "2025-12-01")


def test_a_series_that_was_never_asked_for_is_asked_for_whole(settings: Settings) -> None:
    asked = {"dataset": "macro", "series_ids": ["UNRATE"]}
    found = plan_macro_backfill(resolve_request(asked, ["macro"], INSTANT, settings))
    assert found.gaps == [DataGap("UNRATE", "not_asked", None, None, None, True)]
    assert found.needs == [WorkItem("UNRATE", None, "not_asked", None, full_history=True)]


def test_a_hole_is_asked_for_with_all_vintages_and_a_newer_month_without(
    macro: Callable[..., BackfillPlan],
) -> None:
    """January's unemployment is out 36 days after the first of January."""
    found = macro("UNRATE", MONTHS, "loaded", WEEKS_AGO)
    october, january = date(2025, 10, 1), date(2026, 1, 1)
    assert found.gaps == [
        DataGap("UNRATE", "missing_observation", october, october, 1, True),
        DataGap("UNRATE", "overdue", january, january, 1, True),
    ]
    assert found.needs == [
        WorkItem("UNRATE", None, "missing_observation, overdue", 2, full_history=True)
    ]


def test_what_fred_was_asked_for_today_is_not_asked_for_again(
    macro: Callable[..., BackfillPlan],
) -> None:
    found = macro("UNRATE", MONTHS, "loaded", NOW)
    assert [(gap.reason, gap.is_fetchable) for gap in found.gaps] == [
        ("missing_observation", False),
        ("not_yet", False),
    ]
    assert found.needs == []


def test_a_month_that_is_not_out_yet_is_not_missing(macro: Callable[..., BackfillPlan]) -> None:
    """January's prices come in the middle of February, 45 days after its first."""
    assert macro("CPIAUCSL", ("2025-11-01", "2025-12-01"), "loaded", WEEKS_AGO).gaps == []


def test_a_series_that_failed_is_asked_for_again(macro: Callable[..., BackfillPlan]) -> None:
    found = macro("CPIAUCSL", ("2025-11-01", "2025-12-01"), "outage", NOW)
    assert found.gaps == [DataGap("CPIAUCSL", "outage", None, None, None, True)]
    assert found.needs[0].reason == "outage"
    assert macro("CPIAUCSL", (), "outage", NOW, mode="failed").needs[0].item == "CPIAUCSL"


def test_sessions_count_for_a_daily_series_from_its_newest_day(
    macro: Callable[..., BackfillPlan],
) -> None:
    found = macro("DGS10", ("2026-02-06",), "loaded", WEEKS_AGO)
    [gap] = found.gaps
    assert (gap.first, gap.last, gap.rows) == (date(2026, 2, 9), date(2026, 2, 12), 4)
    assert macro("DGS10", (), "loaded", WEEKS_AGO, end="2026-02-10").gaps[0].rows == 2


@pytest.mark.parametrize(
    ("status", "at", "reason", "is_due"),
    [
        (None, NOW, "not_asked", True),
        ("throttled", NOW, "throttled", True),
        ("outage", WEEKS_AGO, "outage", True),
        # no file on the day itself: it may be late, but not for weeks
        ("empty", "2026-01-07 12:00+00", "empty", True),
        ("empty", WEEKS_AGO, "empty", False),
    ],
)
def test_a_file_that_is_not_there(
    settings: Settings, ask: Ask, status: str | None, at: str, reason: str, is_due: bool
) -> None:
    day = date(2026, 1, 6)
    if status is not None:
        ask("index_membership", "IWM", status, at, "2026-01-06")
    asked = {"dataset": "holdings", "index": "R2000", "start": day, "end": day}
    found = plan_holdings_backfill(resolve_request(asked, ["holdings"], INSTANT, settings))
    assert found.gaps == [DataGap("IWM", reason, day, day, None, is_due)]
    assert found.needs == ([WorkItem("IWM", day, reason)] if is_due else [])


def test_there_is_a_file_for_each_session(settings: Settings) -> None:
    """January 2026 had twenty sessions: New Year's Day and Dr King's are holidays."""
    asked = {"dataset": "holdings", "index": "SP500", "start": "2026-01-01", "end": "2026-01-31"}
    found = plan_holdings_backfill(resolve_request(asked, ["holdings"], INSTANT, settings))
    days = [need.start for need in found.needs]
    assert (len(days), days[0], days[-1]) == (20, date(2026, 1, 2), date(2026, 1, 30))
    assert found.estimated_requests == 20
    # the pace is half a request a second
    assert found.estimated_seconds == 40
