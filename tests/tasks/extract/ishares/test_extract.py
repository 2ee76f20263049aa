"""Holdings through httpx, over real sockets, from the sandbox."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from deployments.sandbox.client import Sandbox
from tasks.extract.ishares.errors import UnknownFund
from tasks.extract.ishares.extract import HoldingsExtract, HoldingsRequest
from warehouse.settings import Settings

CLOCK = datetime(2024, 6, 7, 22, tzinfo=UTC)


def extract(worker: Any, settings: Settings, *requests: HoldingsRequest) -> HoldingsExtract:
    """Extract in the worker's process."""
    batch: HoldingsExtract = worker.call(
        "tasks.extract.ishares.extract:extract_holdings", requests, CLOCK, settings
    )
    return batch


def outcome(batch: HoldingsExtract) -> list[tuple[str, str | None, int, int]]:
    """Status, reason, rows and attempts of each fetch."""
    columns = ["status", "reason", "rows", "attempts"]
    fetches = batch.fetches[columns].astype(object).where(batch.fetches[columns].notna(), None)
    return list(fetches.itertuples(index=False, name=None))


def test_the_newest_file_and_one_of_a_day(worker: Any, settings: Settings) -> None:
    requests = HoldingsRequest("IWM"), HoldingsRequest("IWM", date(2024, 6, 6))
    batch = extract(worker, settings, *requests)
    assert outcome(batch) == [("loaded", None, 4, 1)] * 2
    assert len(batch.members) == 8
    assert len(batch.excluded) == 12
    assert set(batch.fetches["window_start"].dt.date) == {date(2024, 6, 6)}


def test_a_day_or_fund_without_a_file_is_empty(worker: Any, settings: Settings) -> None:
    requests = HoldingsRequest("IWM", date(2024, 6, 8)), HoldingsRequest("IVV")
    assert (
        outcome(extract(worker, settings, *requests)) == [("empty", "no_file_for_date", 0, 1)] * 2
    )


def test_a_file_of_another_day_is_not_taken(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    # an address that ignores the day asked for
    settings = settings.model_copy(update={"ishares_dated_url": settings.ishares_latest_url})
    batch = extract(worker, settings, HoldingsRequest("IWM", date(2024, 1, 2)))
    assert outcome(batch) == [("empty", "no_file_for_date", 0, 1)]
    assert len(batch.members) == 0


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("html_200", {"count": 1}, ("loaded", None, 4, 2)),
        ("html_200", {"count": 2}, ("outage", "html", 0, 2)),
        ("truncate", {"count": 2}, ("outage", "truncated", 0, 2)),
        ("empty", {"count": 2}, ("outage", "not_csv", 0, 2)),
        ("status", {"status": 429, "count": 2}, ("throttled", "throttled", 0, 2)),
        ("status", {"status": 403, "count": 2}, ("outage", "http_403", 0, 2)),
        ("status", {"status": 503, "count": 2}, ("outage", "http_503", 0, 2)),
        ("hang", {"seconds": 600, "count": 2}, ("outage", "timeout", 0, 2)),
    ],
)
def test_each_fault_has_its_name(
    sandbox: Sandbox,
    worker: Any,
    settings: Settings,
    impatient: Settings,
    kind: str,
    options: dict[str, Any],
    expected: tuple[str, str | None, int, int],
) -> None:
    sandbox.add_fault(kind, host="ishares", **options)
    settings = impatient if kind == "hang" else settings
    assert outcome(extract(worker, settings, HoldingsRequest("IWM"))) == [expected]


def test_a_cut_connection_is_an_outage(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    sandbox.add_fault("reset", host="ishares", count=2)
    ((status, reason, _, attempts),) = outcome(extract(worker, settings, HoldingsRequest("IWM")))
    assert (status, attempts) == ("outage", 2)
    # how much came before it is the network's business
    assert reason in ("connection_reset", "truncated")


def test_unknown_funds_are_named() -> None:
    with pytest.raises(UnknownFund, match=r"fund 'SPY' is not in warehouse/reference/fund.csv"):
        HoldingsRequest("SPY")
