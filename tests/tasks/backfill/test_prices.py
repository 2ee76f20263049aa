"""Test the gaps and work items of a backfill of prices."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from expectations.calendars.trading import session_closes
from tasks.backfill.datasets.prices import plan_prices_backfill
from tasks.backfill.plan import DataGap, WorkItem, sort_work_items
from tasks.backfill.request import ResolvedRequest, resolve_request
from warehouse.settings import Settings

NOW = datetime(2026, 2, 13, 23, tzinfo=UTC)
AFTER_CLOSE, BEFORE_CLOSE = "2026-02-13 21:30+00", "2026-02-13 15:00+00"
# within the hour before NOW
WITHIN_COOLDOWN = "2026-02-13 22:00+00"
SESSIONS = [stamp.date() for stamp in session_closes().loc["2025-10-01":"2026-02-13"].index]
OLD, RECENT, NEWEST = date(2025, 10, 15), date(2026, 2, 10), date(2026, 2, 13)


@dataclass
class Warehouse:
    """A warehouse, with methods that store bars and fetches."""

    settings: Settings
    query: Callable[..., Any]
    load_prices: Callable[..., Any]
    bars: Callable[..., Any]
    tickers: list[str] = field(default_factory=list)

    def store_bars(self, ticker: str, *without: date) -> None:
        """Store bars of all sessions but some."""
        rows = [(ticker, day, 10.0) for day in SESSIONS if day not in without]
        self.load_prices(self.settings, self.bars(*rows))

    def record_fetch(
        self, ticker: str, status: str, at: str = AFTER_CLOSE, start: str = "1927-12-30"
    ) -> int:
        """Record a fetch of a ticker up to its run's day; return the run id."""
        insert = "insert into audit.run (flow, process, clock_at) values ('prices', 'x:1', %s)"
        [(run_id,)] = self.query(self.settings, insert + " returning run_id", (at,))
        self.query(
            self.settings,
            """
            insert into audit.fetch (run_id, source, dataset, item, window_start, window_end,
                status, reason, detail, rows, attempts, started_at, finished_at)
            values (%(run)s, 'yahoo', 'daily_price', %(item)s, %(start)s, %(at)s::timestamptz::date,
                %(status)s, nullif(%(status)s, 'loaded'), '', 0, 1, now(), clock_timestamp())
            returning fetch_id
            """,
            {"run": run_id, "item": ticker, "start": start, "at": at, "status": status},
        )
        return int(run_id)

    def scope(self, *tickers: str, **parameters: Any) -> ResolvedRequest:
        """Resolve a backfill of some tickers."""
        return resolve_request({"tickers": tickers, **parameters}, ["prices"], NOW, self.settings)

    def gaps(self, ticker: str, **parameters: Any) -> list[DataGap]:
        """Return the gaps of a ticker."""
        return list(plan_prices_backfill(self.scope(ticker, **parameters)).gaps)

    def work_items(self, ticker: str, **parameters: Any) -> list[WorkItem]:
        """Return the work items of a ticker."""
        return list(plan_prices_backfill(self.scope(ticker, **parameters)).work_items)


@pytest.fixture
def warehouse(settings: Settings, query: Any, load_prices: Any, bars: Any) -> Warehouse:
    return Warehouse(settings, query, load_prices, bars)


def test_ticker_never_fetched_is_requested_from_the_start(warehouse: Warehouse) -> None:
    assert warehouse.gaps("IWM") == [DataGap("IWM", "not_asked", None, None, None, True)]
    assert warehouse.work_items("IWM") == [WorkItem("IWM", date(1927, 12, 30), "not_asked")]
    assert warehouse.work_items("IWM", start="2020-01-02")[0].start == date(2020, 1, 2)


@pytest.mark.parametrize("status", ["throttled", "outage", "refused"])
def test_failed_fetch_is_requested_again(warehouse: Warehouse, status: str) -> None:
    warehouse.record_fetch("IWM", status)
    assert warehouse.gaps("IWM") == [DataGap("IWM", status, None, None, None, True)]
    assert len(warehouse.work_items("IWM")) == len(warehouse.work_items("IWM", mode="failed")) == 1


@pytest.mark.parametrize("status", ["empty", "not_found"])
def test_unknown_ticker_is_requested_again_after_the_next_close(
    warehouse: Warehouse, status: str
) -> None:
    warehouse.record_fetch("IWM", status, BEFORE_CLOSE)
    assert [gap.is_fetchable for gap in warehouse.gaps("IWM")] == [True]
    warehouse.record_fetch("IWM", status, AFTER_CLOSE)
    assert warehouse.gaps("IWM") == [DataGap("IWM", status, None, None, None, False)]
    assert warehouse.work_items("IWM") == warehouse.work_items("IWM", mode="failed") == []


@pytest.mark.parametrize(
    ("day", "fetched_at", "is_fetchable"),
    [
        (RECENT, BEFORE_CLOSE, True),
        (RECENT, AFTER_CLOSE, False),
        # the newest bar may only be late
        (NEWEST, AFTER_CLOSE, True),
        (NEWEST, WITHIN_COOLDOWN, False),
        # older than the correction window, and confirmed by a response
        (OLD, BEFORE_CLOSE, False),
    ],
)
def test_gap_in_a_response(
    warehouse: Warehouse, day: date, fetched_at: str, is_fetchable: bool
) -> None:
    warehouse.store_bars("IWM", day)
    warehouse.record_fetch("IWM", "loaded", fetched_at)
    assert warehouse.gaps("IWM") == [DataGap("IWM", "no_row", day, day, 1, is_fetchable)]
    assert warehouse.work_items("IWM") == (
        [WorkItem("IWM", day, "no_row", 1)] if is_fetchable else []
    )


def test_sessions_since_the_last_fetch_are_missing(warehouse: Warehouse) -> None:
    days = SESSIONS[-3:]
    warehouse.store_bars("IWM", *days)
    warehouse.record_fetch("IWM", "loaded", "2026-02-10 22:00+00")
    assert warehouse.gaps("IWM") == [DataGap("IWM", "not_asked", days[0], days[-1], 3, True)]
    assert warehouse.work_items("IWM", end="2026-02-12") == [
        WorkItem("IWM", days[0], "not_asked", 2)
    ]


def test_later_failure_does_not_hide_an_earlier_response(
    warehouse: Warehouse,
) -> None:
    warehouse.store_bars("IWM", NEWEST)
    warehouse.record_fetch("IWM", "loaded", "2026-02-12 22:00+00")
    warehouse.record_fetch("IWM", "throttled", AFTER_CLOSE, start="2026-02-01")
    assert warehouse.gaps("IWM") == [DataGap("IWM", "throttled", NEWEST, NEWEST, 1, True)]
    assert warehouse.work_items("IWM", mode="failed") == [
        WorkItem("IWM", date(2026, 2, 1), "throttled")
    ]


def test_sessions_before_the_first_requested_day_may_exist(warehouse: Warehouse) -> None:
    warehouse.store_bars("IWM")
    warehouse.record_fetch("IWM", "loaded", start="2025-10-01")
    found = warehouse.gaps("IWM", start="2025-09-02")
    assert found == [DataGap("IWM", "not_asked", date(2025, 9, 2), date(2025, 9, 30), None, True)]
    assert warehouse.gaps("IWM", start="2025-10-01") == []
    # a response that reaches back so far has none
    warehouse.record_fetch("IWM", "loaded", start="2025-09-02")
    assert warehouse.gaps("IWM", start="2025-09-02") == []


@pytest.mark.parametrize(
    ("rule", "fetched_at", "reason", "is_fetchable"),
    [
        ("unfinished_session", WITHIN_COOLDOWN, "session_open", True),
        ("ohlc_order", AFTER_CLOSE, "quarantined", True),
        ("ohlc_order", WITHIN_COOLDOWN, "quarantined", False),
    ],
)
def test_quarantined_bar(
    warehouse: Warehouse, rule: str, fetched_at: str, reason: str, is_fetchable: bool
) -> None:
    warehouse.store_bars("IWM", NEWEST)
    run_id = warehouse.record_fetch("IWM", "loaded", fetched_at)
    warehouse.query(
        warehouse.settings,
        """
        insert into audit.quarantine
            (first_run_id, last_run_id, table_name, key, rule, reason, row)
        values (%(run)s, %(run)s, 'daily_price', '{"ticker": "IWM", "session_date": "2026-02-13"}',
            %(rule)s, '', '{}')
        returning 1
        """,
        {"run": run_id, "rule": rule},
    )
    assert warehouse.gaps("IWM") == [DataGap("IWM", reason, NEWEST, NEWEST, 1, is_fetchable)]


def test_stale_ticker_was_not_fetched_since_the_close(warehouse: Warehouse) -> None:
    warehouse.store_bars("IWM")
    warehouse.record_fetch("IWM", "loaded", BEFORE_CLOSE)
    # the start of a daily run: ten sessions before the newest stored
    assert warehouse.work_items("IWM", mode="stale") == [WorkItem("IWM", SESSIONS[-10], "stale")]
    warehouse.record_fetch("IWM", "throttled", AFTER_CLOSE)
    assert warehouse.work_items("IWM", mode="stale") == []
    assert warehouse.work_items("IWM", mode="all") == [WorkItem("IWM", date(1927, 12, 30), "all")]


def test_orders_of_work_items() -> None:
    work_items = [
        WorkItem("B", date(2020, 1, 2), "", 5),
        WorkItem("A", date(2021, 1, 4), "", None),
        WorkItem("C", date(2019, 1, 2), "", 9),
    ]
    for order, items in {
        "oldest_first": "CBA",
        "newest_first": "ABC",
        "alphabetical": "ABC",
        "most_missing_first": "ACB",
    }.items():
        assert "".join(each.item for each in sort_work_items(work_items, order)) == items, order  # type: ignore[arg-type]
