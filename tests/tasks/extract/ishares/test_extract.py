"""Extract holdings from the sandbox through httpx, over real sockets."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import version
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
    # a URL that ignores the requested day
    url = settings.ishares_urls[0] + "?day={as_of:%Y%m%d}"
    settings = settings.model_copy(update={"ishares_urls": (url,)})
    batch = extract(worker, settings, HoldingsRequest("IWM", date(2024, 1, 2)))
    assert fetch_results(batch.fetches) == [("empty", "no_file_for_date", 0, 1)]
    assert len(batch.members) == 0


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        # one URL after another, and a second attempt
        ("html_200", {"count": 2}, ("loaded", None, 4, 1)),
        ("status", {"status": 503, "count": 3}, ("loaded", None, 4, 2)),
        ("html_200", {"count": None}, ("refused", "html", 0, 1)),
        ("truncate", {"count": None}, ("outage", "truncated", 0, 2)),
        ("empty", {"count": None}, ("outage", "not_csv", 0, 2)),
        ("status", {"status": 429, "count": None}, ("throttled", "throttled", 0, 2)),
        ("status", {"status": 403, "count": None}, ("refused", "http_403", 0, 1)),
        ("status", {"status": 503, "count": None}, ("outage", "http_503", 0, 2)),
        ("hang", {"seconds": 600, "count": None}, ("outage", "timeout", 0, 2)),
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
    sandbox.add_fault(kind, host="ishares|blackrock", **options)
    settings = short_timeouts if kind == "hang" else settings
    batch = extract(worker, settings, HoldingsRequest("IWM"))
    assert fetch_results(batch.fetches) == [expected]


def paths(sandbox: Sandbox) -> list[tuple[str, int]]:
    """Return the last part of each requested path, and the status of its reply."""
    return [(each["path"].rsplit("/", 1)[1], each["status"]) for each in sandbox.requests()]


LATEST, CLASSIC, DOCUMENT = "latest-holdings.csv", "1467271812596.ajax", "get-fund-document"


def test_a_url_that_refuses_is_requested_twice_a_run(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    sandbox.add_fault("status", host="ishares", status=403, count=None)
    day = date(2024, 6, 6)
    requests = [HoldingsRequest("IWM", each) for each in (None, day, day)]
    batch = extract(worker, settings, *requests)
    assert fetch_results(batch.fetches) == [("loaded", None, 4, 1)] * 3
    newest, first, second = [(LATEST, 403)], [(CLASSIC, 403)], [(DOCUMENT, 200)]
    assert paths(sandbox) == newest + (first + second) * 2 + second


def test_the_next_url_is_requested_only_without_a_usable_file(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    extract(worker, settings, HoldingsRequest("IWM"), HoldingsRequest("IWM", date(2024, 6, 6)))
    assert paths(sandbox) == [(LATEST, 200), (CLASSIC, 200)]


def test_a_provider_that_refuses_is_left_alone_and_the_file_by_hand_is_named(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    sandbox.add_fault("html_200", host="ishares|blackrock", count=None)
    fetches = extract(worker, settings, *[HoldingsRequest("IWM")] * 3).fetches
    assert fetch_results(fetches) == [("refused", "html", 0, 1)] * 3
    assert [path for path, _ in paths(sandbox)] == [LATEST, CLASSIC, DOCUMENT] * 2
    for detail in fetches["detail"]:
        assert "rotation import-holdings FILE --fund IWM" in detail


def test_throttled_requests_reach_no_other_url(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    sandbox.add_fault("status", host="ishares", status=429, count=None)
    extract(worker, settings, HoldingsRequest("IWM"))
    assert paths(sandbox) == [(LATEST, 429)] * 2


def test_a_day_without_a_file_stays_that_where_a_url_refuses(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    """On a Saturday there is none, so the day must not be requested again each week."""
    sandbox.add_fault("status", host="ishares", status=403, count=None)
    batch = extract(worker, settings, HoldingsRequest("IWM", date(2024, 6, 8)))
    assert fetch_results(batch.fetches) == [("empty", "no_file_for_date", 0, 1)]
    assert "http_403" in batch.fetches["detail"][0]


def test_a_day_is_not_without_a_file_while_a_url_is_down(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    sandbox.add_fault("status", host="blackrock", status=503, count=None)
    batch = extract(worker, settings, HoldingsRequest("IWM", date(2024, 6, 8)))
    [(status, reason, rows, _)] = fetch_results(batch.fetches)
    assert (status, reason, rows) == ("outage", "http_503", 0)
    assert "no_file_for_date" in batch.fetches["detail"][0]


def test_requests_name_the_product_and_imitate_no_browser(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/{{as_of:%Y%m%d}}"
        own = settings.model_copy(update={"ishares_urls": (url,), "ishares_attempts": 1})
        with ThreadPoolExecutor() as pool:
            reply = pool.submit(extract, worker, own, HoldingsRequest("IWM"))
            connection, _ = server.accept()
            with connection:
                head = connection.recv(65_536).decode()
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            assert fetch_results(reply.result().fetches) == [("refused", "http_403", 0, 1)]
    # the session before the clock's day
    assert head.startswith("GET /20240606 ")
    agents = re.findall(r"(?im)^user-agent: (.*?)\r$", head)
    assert agents == [f"great-rotation/{version('great-rotation')}"]


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
    sandbox.add_fault("status", path=LATEST, count=None, **reply)
    latest = settings.model_copy(update={"ishares_urls": settings.ishares_urls[:1]})
    fetches = extract(worker, latest, HoldingsRequest("IWM")).fetches
    assert fetch_results(fetches) == [expected]
    requests = HoldingsRequest("IWM"), HoldingsRequest("IWM", date(2024, 6, 6))
    others = extract(worker, settings, *requests).fetches
    assert fetch_results(others) == [("loaded", None, 4, 1)] * 2
    if expected[1] == "no_members":
        assert (
            "unknown_exchange" in fetches["detail"][0] or "currency_not_usd" in fetches["detail"][0]
        )
        assert "SPLT" in fetches["detail"][0]


def test_reset_connection_is_an_outage(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    sandbox.add_fault("reset", host="ishares|blackrock", count=None)
    batch = extract(worker, settings, HoldingsRequest("IWM"))
    ((status, reason, _, attempts),) = fetch_results(batch.fetches)
    assert (status, attempts) == ("outage", 2)
    # the reason depends on how much was received before the reset
    assert reason in ("connection_reset", "truncated")


def test_unknown_fund_is_rejected() -> None:
    with pytest.raises(UnknownFund, match=r"fund 'SPY' is not in warehouse/reference/fund.csv"):
        HoldingsRequest("SPY")


def test_saved_file_is_read_like_a_download(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
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
