"""Extract holdings from the sandbox through httpx, over real sockets."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from deployments.sandbox.client import Sandbox
from tasks.extract.ishares.errors import UnknownFund
from tasks.extract.ishares.extract import HoldingsExtract, HoldingsRequest
from tests.tasks.extract.conftest import CLOCK, HOLDINGS, fetch_results
from warehouse.settings import Settings


def extract(worker: Any, settings: Settings, *requests: HoldingsRequest) -> HoldingsExtract:
    """Extract in the worker process."""
    batch: HoldingsExtract = worker.call(
        "tasks.extract.ishares.extract:extract_holdings", requests, CLOCK, settings
    )
    return batch


def test_newest_and_dated_file(worker: Any, settings: Settings) -> None:
    requests = HoldingsRequest("IWM"), HoldingsRequest("IWM", date(2024, 6, 6))
    batch = extract(worker, settings, *requests)
    assert fetch_results(batch.fetches) == [("loaded", None, 4, 1)] * 2
    assert len(batch.members) == 8
    assert len(batch.excluded) == 12
    assert set(batch.fetches["window_start"].dt.date) == {date(2024, 6, 6)}


def test_missing_file_is_empty(worker: Any, settings: Settings) -> None:
    requests = HoldingsRequest("IWM", date(2024, 6, 8)), HoldingsRequest("IVV")
    batch = extract(worker, settings, *requests)
    assert fetch_results(batch.fetches) == [("empty", "no_file_for_date", 0, 1)] * 2


def test_file_of_another_day_is_rejected(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    # an address that ignores the requested day
    settings = settings.model_copy(update={"ishares_dated_url": settings.ishares_latest_url})
    batch = extract(worker, settings, HoldingsRequest("IWM", date(2024, 1, 2)))
    assert fetch_results(batch.fetches) == [("empty", "no_file_for_date", 0, 1)]
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
def test_status_and_reason_of_each_fault(
    sandbox: Sandbox,
    worker: Any,
    settings: Settings,
    short_timeouts: Settings,
    kind: str,
    options: dict[str, Any],
    expected: tuple[str, str | None, int, int],
) -> None:
    sandbox.add_fault(kind, host="ishares", **options)
    settings = short_timeouts if kind == "hang" else settings
    batch = extract(worker, settings, HoldingsRequest("IWM"))
    assert fetch_results(batch.fetches) == [expected]


FILE = (HOLDINGS / "2024.csv").read_text("utf-8-sig")
ODD_FILES = {
    "exchanges by code": (
        re.sub('"(NASDAQ|NYSE|Nyse Mkt Llc|New York Stock Exchange Inc.)"', '"XNAS"', FILE),
        ("refused", "no_members", 0, 1),
    ),
    "pounds": (
        FILE.replace('"USD","1.00","USD"', '"GBP","1.00","GBP"'),
        ("refused", "no_members", 0, 1),
    ),
    "of a day to come": (
        FILE.replace("Jun 06, 2024", "Jun 10, 2024"),
        ("refused", "date_in_future", 0, 1),
    ),
    "of a day beyond the calendar": (
        FILE.replace("Jun 06, 2024", "Jun 10, 2099"),
        ("outage", "not_csv", 0, 2),
    ),
    "a field without end": (
        FILE.replace('"SPLT"', '"' + "S" * 200_000),
        ("outage", "not_csv", 0, 2),
    ),
    "odd cash": (FILE.replace('"USD CASH","Cash', '"(1,234.56)","Cash'), ("loaded", None, 4, 1)),
}


@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_file_has_its_row_and_costs_no_other(
    sandbox: Sandbox, worker: Any, settings: Settings, name: str
) -> None:
    body, expected = ODD_FILES[name]
    assert body != FILE
    reply = {"status": 200, "body": body, "content_type": "text/csv"}
    sandbox.add_fault("status", host="ishares", count=expected[3], **reply)
    requests = HoldingsRequest("IWM"), HoldingsRequest("IWM", date(2024, 6, 6))
    fetches = extract(worker, settings, *requests).fetches
    assert fetch_results(fetches) == [expected, ("loaded", None, 4, 1)]
    if expected[1] == "no_members":
        assert (
            "unknown_exchange" in fetches["detail"][0] or "currency_not_usd" in fetches["detail"][0]
        )
        assert "SPLT" in fetches["detail"][0]


def test_reset_connection_is_an_outage(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    sandbox.add_fault("reset", host="ishares", count=2)
    batch = extract(worker, settings, HoldingsRequest("IWM"))
    ((status, reason, _, attempts),) = fetch_results(batch.fetches)
    assert (status, attempts) == ("outage", 2)
    # the reason depends on how much was received before the reset
    assert reason in ("connection_reset", "truncated")


def test_unknown_fund_is_rejected() -> None:
    with pytest.raises(UnknownFund, match=r"fund 'SPY' is not in warehouse/reference/fund.csv"):
        HoldingsRequest("SPY")


def test_saved_file_is_read_like_a_download(worker: Any, settings: Settings) -> None:
    saved = HoldingsRequest("IWM", saved_file=HOLDINGS / "2024.csv")
    downloaded = extract(worker, settings, HoldingsRequest("IWM"))
    batch = extract(worker, settings, saved)
    assert fetch_results(batch.fetches) == [("loaded", None, 4, 1)]
    assert set(batch.fetches["window_start"].dt.date) == {date(2024, 6, 6)}
    pd.testing.assert_frame_equal(batch.members, downloaded.members)
    pd.testing.assert_frame_equal(batch.excluded, downloaded.excluded)


SAVED = {
    "another fund": (FILE.replace("iShares Russell 2000", "iShares Core S&P 500"), "another_fund"),
    "a page": ("<!DOCTYPE html><html><title>Access Denied</title></html>", "html"),
    "cut off": (FILE[: len(FILE) // 2], "truncated"),
    "no date": (FILE.partition("Ticker,")[2], "not_csv"),
    "a dash for the date": (FILE.replace("Jun 06, 2024", "-"), "no_file_for_date"),
    "a day to come": (FILE.replace("Jun 06, 2024", "Jun 10, 2024"), "date_in_future"),
}


@pytest.mark.parametrize("name", SAVED)
def test_unusable_saved_file_is_refused_once_with_its_reason(
    worker: Any, settings: Settings, tmp_path: Path, name: str
) -> None:
    text, reason = SAVED[name]
    assert text != FILE
    file = tmp_path / "IWM_holdings.csv"
    file.write_text(text, encoding="utf-8-sig")
    batch = extract(worker, settings, HoldingsRequest("IWM", saved_file=file))
    assert fetch_results(batch.fetches) == [("refused", reason, 0, 1)]
    assert len(batch.members) == 0


def test_missing_saved_file_is_refused(worker: Any, settings: Settings, tmp_path: Path) -> None:
    batch = extract(worker, settings, HoldingsRequest("IWM", saved_file=tmp_path / "none.csv"))
    assert fetch_results(batch.fetches) == [("refused", "no_file", 0, 1)]
