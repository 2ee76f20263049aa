"""Test the gaps and work items of backfills of macro series and holdings files."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.datasets.holdings import plan_holdings_backfill
from tasks.backfill.datasets.macro import plan_macro_backfill
from tasks.backfill.plan import BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import resolve_request
from warehouse.settings import Settings

# a Friday evening; Friday's file appears on Tuesday because Monday is a holiday
LOGICAL_TIME = datetime(2026, 2, 13, 23, tzinfo=UTC)
NOW, WEEKS_AGO = "2026-02-13 22:00+00", "2026-01-20 22:00+00"
RecordFetch = Callable[..., int]
Plan = Callable[..., BackfillPlan]


@pytest.fixture
def record_fetch(settings: Settings, query: Any) -> RecordFetch:
    """Record a fetch; return the run id."""

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
def plan_macro(settings: Settings, query: Any, record_fetch: RecordFetch) -> Plan:
    """Store observations of a series and a fetch, and plan its backfill."""

    def plan(series: str, days: tuple[str, ...], status: str, at: str, **more: Any) -> BackfillPlan:
        run_id = record_fetch("macro_observation", series, status, at)
        for day in days:
            query(
                settings,
                """
                insert into core.macro_observation
                values (%s, %s, '2026-01-01', 1, null, 'alfred', now(), %s) returning 1
                """,
                (series, day, run_id),
            )
        parameters = {"dataset": "macro", "series_ids": [series], **more}
        return plan_macro_backfill(resolve_request(parameters, ["macro"], LOGICAL_TIME, settings))

    return plan


MONTHS = ("2025-09-01", "2025-11-01", "2025-12-01")


def test_series_never_fetched_is_requested_with_all_vintages(settings: Settings) -> None:
    parameters = {"dataset": "macro", "series_ids": ["UNRATE"]}
    found = plan_macro_backfill(resolve_request(parameters, ["macro"], LOGICAL_TIME, settings))
    assert found.gaps == [DataGap("UNRATE", "not_asked", None, None, None, True)]
    assert found.work_items == [WorkItem("UNRATE", None, "not_asked", None, full_history=True)]


def test_gap_is_requested_with_all_vintages(
    plan_macro: Plan,
) -> None:
    """January's unemployment rate is published 36 days after the first of January."""
    found = plan_macro("UNRATE", MONTHS, "loaded", WEEKS_AGO)
    october, january = date(2025, 10, 1), date(2026, 1, 1)
    assert found.gaps == [
        DataGap("UNRATE", "missing_observation", october, october, 1, True),
        DataGap("UNRATE", "overdue", january, january, 1, True),
    ]
    assert found.work_items == [
        WorkItem("UNRATE", None, "missing_observation, overdue", 2, full_history=True)
    ]


def test_series_fetched_today_is_not_requested_again(
    plan_macro: Plan,
) -> None:
    found = plan_macro("UNRATE", MONTHS, "loaded", NOW)
    assert [(gap.reason, gap.is_fetchable) for gap in found.gaps] == [
        ("missing_observation", False),
        ("not_yet_published", False),
    ]
    assert found.work_items == []


def test_unpublished_month_is_not_missing(plan_macro: Plan) -> None:
    """January's CPI is published in the middle of February, 45 days after its first."""
    assert plan_macro("CPIAUCSL", ("2025-11-01", "2025-12-01"), "loaded", WEEKS_AGO).gaps == []


def test_failed_series_is_requested_again(plan_macro: Plan) -> None:
    found = plan_macro("CPIAUCSL", ("2025-11-01", "2025-12-01"), "outage", NOW)
    assert found.gaps == [DataGap("CPIAUCSL", "outage", None, None, None, True)]
    assert found.work_items[0].reason == "outage"
    assert plan_macro("CPIAUCSL", (), "outage", NOW, mode="failed").work_items[0].item == "CPIAUCSL"


def test_daily_series_is_expected_on_sessions_after_its_newest_day(
    plan_macro: Plan,
) -> None:
    found = plan_macro("DGS10", ("2026-02-06",), "loaded", WEEKS_AGO)
    [gap] = found.gaps
    assert (gap.first, gap.last, gap.rows) == (date(2026, 2, 9), date(2026, 2, 12), 4)
    assert plan_macro("DGS10", (), "loaded", WEEKS_AGO, end="2026-02-10").gaps[0].rows == 2


@pytest.mark.parametrize(
    ("status", "at", "reason", "is_fetchable"),
    [
        (None, NOW, "not_asked", True),
        ("throttled", NOW, "throttled", True),
        ("outage", WEEKS_AGO, "outage", True),
        # a file requested on the day after may be late; weeks later it is not
        ("empty", "2026-01-07 12:00+00", "empty", True),
        ("empty", WEEKS_AGO, "empty", False),
    ],
)
def test_missing_file(
    settings: Settings,
    record_fetch: RecordFetch,
    status: str | None,
    at: str,
    reason: str,
    is_fetchable: bool,
) -> None:
    day = date(2026, 1, 6)
    if status is not None:
        record_fetch("index_membership", "IWM", status, at, "2026-01-06")
    parameters = {"dataset": "holdings", "index": "R2000", "start": day, "end": day}
    found = plan_holdings_backfill(
        resolve_request(parameters, ["holdings"], LOGICAL_TIME, settings)
    )
    assert found.gaps == [DataGap("IWM", reason, day, day, None, is_fetchable)]
    assert found.work_items == ([WorkItem("IWM", day, reason)] if is_fetchable else [])


def test_one_file_is_expected_per_session(settings: Settings) -> None:
    """January 2026 had twenty sessions: New Year's Day and Dr King's are holidays."""
    parameters = {
        "dataset": "holdings",
        "index": "SP500",
        "start": "2026-01-01",
        "end": "2026-01-31",
    }
    found = plan_holdings_backfill(
        resolve_request(parameters, ["holdings"], LOGICAL_TIME, settings)
    )
    days = [each.start for each in found.work_items]
    assert (len(days), days[0], days[-1]) == (20, date(2026, 1, 2), date(2026, 1, 30))
    assert found.estimated_requests == 20
    # the rate is half a request per second
    assert found.estimated_seconds == 40
