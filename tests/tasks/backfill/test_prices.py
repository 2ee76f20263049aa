"""What a backfill of prices finds missing, and what of it it asks for."""

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

INSTANT = datetime(2026, 2, 13, 23, tzinfo=UTC)
AFTER_CLOSE, BEFORE_CLOSE = "2026-02-13 21:30+00", "2026-02-13 15:00+00"
# the instant's hour
LATELY = "2026-02-13 22:00+00"
SESSIONS = [stamp.date() for stamp in session_closes().loc["2025-10-01":"2026-02-13"].index]
OLD, YOUNG, NEWEST = date(2025, 10, 15), date(2026, 2, 10), date(2026, 2, 13)


@dataclass
class Warehouse:
    """A warehouse into which a test puts bars and requests."""

    settings: Settings
    query: Callable[..., Any]
    load_prices: Callable[..., Any]
    bars: Callable[..., Any]
    tickers: list[str] = field(default_factory=list)

    def hold(self, ticker: str, *without: date) -> None:
        """Bars of all sessions but some."""
        rows = [(ticker, day, 10.0) for day in SESSIONS if day not in without]
        self.load_prices(self.settings, self.bars(*rows))

    def ask(
        self, ticker: str, status: str, at: str = AFTER_CLOSE, start: str = "1927-12-30"
    ) -> int:
        """A request for a ticker up to the day of its clock; the run's number."""
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
        """What a backfill of these tickers would be."""
        return resolve_request(
            {"tickers": tickers, **parameters}, ["prices"], INSTANT, self.settings
        )

    def gaps(self, ticker: str, **parameters: Any) -> list[DataGap]:
        """What is missing of a ticker."""
        return list(plan_prices_backfill(self.scope(ticker, **parameters)).gaps)

    def needs(self, ticker: str, **parameters: Any) -> list[WorkItem]:
        """What would be asked for."""
        return list(plan_prices_backfill(self.scope(ticker, **parameters)).needs)


@pytest.fixture
def warehouse(settings: Settings, query: Any, load_prices: Any, bars: Any) -> Warehouse:
    return Warehouse(settings, query, load_prices, bars)


def test_what_was_never_asked_for_is_missing_however_much_it_is(warehouse: Warehouse) -> None:
    assert warehouse.gaps("IWM") == [DataGap("IWM", "not_asked", None, None, None, True)]
    assert warehouse.needs("IWM") == [WorkItem("IWM", date(1927, 12, 30), "not_asked")]
    assert warehouse.needs("IWM", start="2020-01-02")[0].start == date(2020, 1, 2)


@pytest.mark.parametrize("status", ["throttled", "outage", "refused"])
def test_what_failed_is_asked_for_again(warehouse: Warehouse, status: str) -> None:
    warehouse.ask("IWM", status)
    assert warehouse.gaps("IWM") == [DataGap("IWM", status, None, None, None, True)]
    assert len(warehouse.needs("IWM")) == len(warehouse.needs("IWM", mode="failed")) == 1


@pytest.mark.parametrize("status", ["empty", "not_found"])
def test_what_yahoo_does_not_know_is_asked_for_after_the_next_close(
    warehouse: Warehouse, status: str
) -> None:
    warehouse.ask("IWM", status, BEFORE_CLOSE)
    assert [gap.is_fetchable for gap in warehouse.gaps("IWM")] == [True]
    warehouse.ask("IWM", status, AFTER_CLOSE)
    assert warehouse.gaps("IWM") == [DataGap("IWM", status, None, None, None, False)]
    assert warehouse.needs("IWM") == warehouse.needs("IWM", mode="failed") == []


@pytest.mark.parametrize(
    ("hole", "asked", "is_due"),
    [
        (YOUNG, BEFORE_CLOSE, True),
        (YOUNG, AFTER_CLOSE, False),
        # the newest bar may only be late
        (NEWEST, AFTER_CLOSE, True),
        (NEWEST, LATELY, False),
        # months old, and the answer had it, too
        (OLD, BEFORE_CLOSE, False),
    ],
)
def test_a_hole_in_an_answer(warehouse: Warehouse, hole: date, asked: str, is_due: bool) -> None:
    warehouse.hold("IWM", hole)
    warehouse.ask("IWM", "loaded", asked)
    assert warehouse.gaps("IWM") == [DataGap("IWM", "no_row", hole, hole, 1, is_due)]
    assert warehouse.needs("IWM") == ([WorkItem("IWM", hole, "no_row", 1)] if is_due else [])


def test_sessions_since_the_newest_request_are_missing(warehouse: Warehouse) -> None:
    days = SESSIONS[-3:]
    warehouse.hold("IWM", *days)
    warehouse.ask("IWM", "loaded", "2026-02-10 22:00+00")
    assert warehouse.gaps("IWM") == [DataGap("IWM", "not_asked", days[0], days[-1], 3, True)]
    assert warehouse.needs("IWM", end="2026-02-12") == [WorkItem("IWM", days[0], "not_asked", 2)]


def test_a_request_that_failed_later_does_not_hide_what_was_answered(
    warehouse: Warehouse,
) -> None:
    warehouse.hold("IWM", NEWEST)
    warehouse.ask("IWM", "loaded", "2026-02-12 22:00+00")
    warehouse.ask("IWM", "throttled", AFTER_CLOSE, start="2026-02-01")
    assert warehouse.gaps("IWM") == [DataGap("IWM", "throttled", NEWEST, NEWEST, 1, True)]
    assert warehouse.needs("IWM", mode="failed") == [WorkItem("IWM", date(2026, 2, 1), "throttled")]


def test_sessions_before_the_first_request_may_exist(warehouse: Warehouse) -> None:
    warehouse.hold("IWM")
    warehouse.ask("IWM", "loaded", start="2025-10-01")
    found = warehouse.gaps("IWM", start="2025-09-02")
    assert found == [DataGap("IWM", "not_asked", date(2025, 9, 2), date(2025, 9, 30), None, True)]
    assert warehouse.gaps("IWM", start="2025-10-01") == []
    # and an answer that reached back so far settles that there are none
    warehouse.ask("IWM", "loaded", start="2025-09-02")
    assert warehouse.gaps("IWM", start="2025-09-02") == []


@pytest.mark.parametrize(
    ("rule", "asked", "reason", "is_due"),
    [
        ("unfinished_session", LATELY, "unfinished", True),
        ("ohlc_order", AFTER_CLOSE, "quarantined", True),
        ("ohlc_order", LATELY, "quarantined", False),
    ],
)
def test_a_bar_set_aside(
    warehouse: Warehouse, rule: str, asked: str, reason: str, is_due: bool
) -> None:
    warehouse.hold("IWM", NEWEST)
    run_id = warehouse.ask("IWM", "loaded", asked)
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
    assert warehouse.gaps("IWM") == [DataGap("IWM", reason, NEWEST, NEWEST, 1, is_due)]


def test_stale_is_what_was_not_asked_for_since_the_close(warehouse: Warehouse) -> None:
    warehouse.hold("IWM")
    warehouse.ask("IWM", "loaded", BEFORE_CLOSE)
    # from where a daily run asks: ten sessions before the newest held
    assert warehouse.needs("IWM", mode="stale") == [WorkItem("IWM", SESSIONS[-10], "stale")]
    warehouse.ask("IWM", "throttled", AFTER_CLOSE)
    assert warehouse.needs("IWM", mode="stale") == []
    assert warehouse.needs("IWM", mode="all") == [WorkItem("IWM", date(1927, 12, 30), "all")]


def test_the_orders() -> None:
    needs = [
        WorkItem("B", date(2020, 1, 2), "", 5),
        WorkItem("A", date(2021, 1, 4), "", None),
        WorkItem("C", date(2019, 1, 2), "", 9),
    ]
    for order, items in {
        "oldest first": "CBA",
        "newest first": "ABC",
        "alphabetical": "ABC",
        "most missing first": "ACB",
    }.items():
        assert "".join(need.item for need in sort_work_items(needs, order)) == items, order  # type: ignore[arg-type]
