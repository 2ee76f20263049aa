"""Plans of SEC requests."""

from datetime import datetime

import pytest

from tasks.plan.filings import plan_company_tickers
from tests.audit_rows import new_run, note_fetch
from warehouse.settings import Settings

NOW = datetime.fromisoformat("2024-06-07T12:00-04:00")


@pytest.mark.parametrize(
    ("status", "day", "is_requested"),
    [
        ("loaded", "2024-06-07", False),
        ("empty", "2024-06-07", False),
        ("loaded", "2024-06-06", True),
        ("outage", "2024-06-07", True),
        # the SEC has always had the list: a reply without it is retried
        ("not_found", "2024-06-07", True),
    ],
)
def test_ticker_list_is_requested_until_it_came_that_day(
    settings: Settings, status: str, day: str, is_requested: bool
) -> None:
    reason = None if status == "loaded" else "test"
    note_fetch(settings, new_run(settings), "company_ticker", "list.json", status, reason, day)
    plan = plan_company_tickers.fn(NOW, settings)
    assert plan.requests == ([NOW.date()] if is_requested else [])
