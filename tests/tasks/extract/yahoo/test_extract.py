"""Extract prices from the sandbox through yfinance, over real sockets."""

import json
import time
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from deployments.sandbox.client import Sandbox
from tasks.extract.yahoo.extract import InvalidTicker, PriceExtract, PriceRequest
from tests.tasks.extract.conftest import CLOCK, fetch_results
from warehouse.settings import Settings

START = date(2024, 5, 20)
CHART = {"host": "query2", "path": "chart/EVEN", "query": "period1"}


def extract(
    worker: Any, settings: Settings, *requests: PriceRequest, now: Any = CLOCK
) -> PriceExtract:
    """Extract in the worker process."""
    batch: PriceExtract = worker.call(
        "tasks.extract.yahoo.extract:extract_prices", requests, now, settings
    )
    return batch


@pytest.fixture(autouse=True)
def _fill_caches(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    """Cache the cookie, so that faults hit the history request."""
    extract(worker, settings, PriceRequest("EVEN", START))
    sandbox.clear_requests()


FAULTS = [
    ([("status", {"status": 429})], ("loaded", None, 14, 1)),
    ([("status", {"status": 429, "count": 2})], ("loaded", None, 14, 2)),
    ([("status", {"status": 429, "count": 4})], ("throttled", "throttled", 0, 2)),
    ([("status", {"status": 500, "count": 2})], ("loaded", None, 14, 2)),
    ([("status", {"status": 500, "count": 4})], ("outage", "http_500", 0, 2)),
    ([("status", {"status": 403, "count": 4})], ("outage", "http_403", 0, 2)),
    ([("status", {"status": 503, "count": 4})], ("outage", "http_503", 0, 2)),
    ([("truncate", {})], ("loaded", None, 14, 2)),
    ([("truncate", {"count": 2})], ("outage", "not_json", 0, 2)),
    ([("html_200", {"body": "<html>sign in</html>", "count": 2})], ("outage", "html", 0, 2)),
    (
        [("html_200", {"body": "Will be right back", "count": 2})],
        ("outage", "service_unavailable", 0, 2),
    ),
    ([("hang", {"seconds": 600, "count": 1})], ("loaded", None, 14, 2)),
    ([("hang", {"seconds": 600, "count": 2})], ("outage", "timeout", 0, 2)),
    ([("reset", {"count": 2})], ("outage", "connection_reset", 0, 2)),
    ([("empty", {})], ("empty", "no_data", 0, 1)),
    (
        [("status", {"status": 200, "body": '{"chart":{"result":[],"error":null}}', "count": 2})],
        ("outage", "malformed", 0, 2),
    ),
    (
        [
            (
                "status",
                {
                    "status": 404,
                    "count": 2,
                    "body": '{"chart":{"result":null,"error":{"code":"Not Found",'
                    '"description":"No data found, symbol may be delisted"}}}',
                },
            )
        ],
        ("not_found", "unknown_symbol", 0, 1),
    ),
    (
        [
            (
                "status",
                {
                    "status": 500,
                    "count": 4,
                    "body": '{"chart":{"result":null,"error":{"code":"Internal Server Error",'
                    '"description":"No data found, symbol may be delisted"}}}',
                },
            )
        ],
        ("outage", "http_500", 0, 2),
    ),
]


@pytest.mark.parametrize(("faults", "expected"), FAULTS)
def test_status_and_reason_of_each_fault(
    sandbox: Sandbox,
    worker: Any,
    settings: Settings,
    short_timeouts: Settings,
    faults: Any,
    expected: Any,
) -> None:
    for kind, options in faults:
        sandbox.add_fault(kind, **CHART, **options)
        if kind == "hang":
            settings = short_timeouts
    batch = extract(worker, settings, PriceRequest("EVEN", START))
    assert fetch_results(batch.fetches) == [expected]


def test_failed_ticker_does_not_affect_others(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    sandbox.add_fault("html_200", **CHART, count=None)
    tickers = ("SPLT", "EVEN", "NOPE", "REVS")
    batch = extract(worker, settings, *(PriceRequest(ticker, START) for ticker in tickers))
    assert list(batch.fetches["status"]) == ["loaded", "outage", "not_found", "loaded"]
    assert set(batch.bars["ticker"]) == {"SPLT", "REVS"}


def test_new_ticker_takes_one_request(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    # yfinance alone requests its time zone first
    extract(worker, settings, PriceRequest("GONE", START))
    assert len(_charts(sandbox)) == 1


def test_outage_of_a_new_ticker_is_an_outage(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    sandbox.add_fault("status", host="query2", path="chart/ODDS", status=502, count=None)
    batch = extract(worker, settings, PriceRequest("ODDS", START, date(2020, 1, 2)))
    assert tuple(batch.fetches.loc[0, ["status", "reason"]]) == ("outage", "http_502")


def test_throttling_opens_the_circuit(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    sandbox.add_fault("status", host="query2", path="chart", status=429, count=None)
    settings = settings.model_copy(update={"yahoo_concurrency": 1})
    tickers = ("SPLT", "EVEN", "REVS", "NOPE")
    batch = extract(worker, settings, *(PriceRequest(ticker, START) for ticker in tickers))
    assert list(batch.fetches["status"]) == ["throttled"] * 4
    assert list(batch.fetches["attempts"]) == [2, 0, 0, 0]
    assert {entry["path"].rpartition("/")[2] for entry in _charts(sandbox)} == {"SPLT"}


def test_unknown_symbol_is_delisted_after_a_week(worker: Any, settings: Settings) -> None:
    def status(ticker: str, last_stored: date | None) -> str:
        requests = (
            PriceRequest(ticker, date(2024, 6, 1), last_stored),
            PriceRequest("EVEN", date(2024, 6, 1), date(2024, 6, 6)),
        )
        return str(extract(worker, settings, *requests).fetches.loc[0, "status"])

    # the clock's session is 7 June; five sessions after 31 May
    assert status("NOPE", None) == "not_found"
    assert status("NOPE", date(2024, 5, 31)) == "not_found"
    assert status("NOPE", date(2024, 5, 30)) == "delisted"
    assert status("GONE", date(2024, 5, 24)) == "delisted"


# last stored session of each symbol, all unknown to Yahoo, and their status
VANISHED = [
    pytest.param(["2024-06-06"] * 3, ["outage"] * 3, id="all on the first evening"),
    pytest.param(["2024-05-24"] * 3, ["outage"] * 3, id="all for a week"),
    pytest.param(["2024-05-24"] * 2, ["outage"] * 2, id="a pair"),
    pytest.param(["2024-05-24"], ["not_found"], id="nothing to compare with"),
]


@pytest.mark.parametrize(("last_stored", "expected"), VANISHED)
@pytest.mark.parametrize("words", ["No data found, symbol may be delisted", "Symbol unavailable"])
def test_all_symbols_gone_at_once_are_an_outage(
    sandbox: Sandbox,
    worker: Any,
    settings: Settings,
    last_stored: list[str],
    expected: list[str],
    words: str,
) -> None:
    error = {"code": "Not Found", "description": words}
    body = json.dumps({"chart": {"result": None, "error": error}})
    sandbox.add_fault("status", status=404, body=body, count=None, path="chart/")
    requests = [
        PriceRequest(ticker, START, date.fromisoformat(last))
        for ticker, last in zip(("EVEN", "SPLT", "REVS"), last_stored, strict=False)
    ]
    batch = extract(worker, settings, *requests)
    assert list(batch.fetches["status"]) == expected


def test_all_symbols_without_bars_are_an_outage(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    sandbox.add_fault("empty", path="chart/", count=None)
    stored = date(2024, 6, 6)
    requests = [PriceRequest(ticker, START, stored) for ticker in ("EVEN", "SPLT", "REVS")]
    batch = extract(worker, settings, *requests)
    assert list(batch.fetches["reason"]) == ["all_gone"] * 3


def test_delisted_among_others_long_ago_is_no_outage(worker: Any, settings: Settings) -> None:
    requests = [
        PriceRequest(ticker, START, date.fromisoformat(last))
        for ticker, last in (("EVEN", "2024-06-06"), ("NOPE", "2023-06-06"), ("NIL", "2023-06-06"))
    ]
    batch = extract(worker, settings, *requests)
    assert list(batch.fetches["status"]) == ["loaded", "delisted", "delisted"]


@pytest.mark.parametrize("currency", ["CAD", "GBp"])
def test_prices_in_another_currency_are_refused(
    sandbox: Sandbox, worker: Any, settings: Settings, currency: str
) -> None:
    sandbox.add_fault("currency", **CHART, currency=currency, count=None)
    batch = extract(worker, settings, PriceRequest("EVEN", START), PriceRequest("SPLT", START))
    assert fetch_results(batch.fetches)[0][:3] == ("refused", "currency_not_usd", 0)
    assert currency in batch.fetches.loc[0, "detail"]
    assert set(batch.bars["ticker"]) == {"SPLT"}


def test_a_dividend_in_another_currency_keeps_its_name(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    assert set(extract(worker, settings, PriceRequest("SPLT", START)).actions["currency"]) == {
        "USD"
    }
    sandbox.add_fault("currency", path="chart/SPLT", query="period1", currency="CAD", rows=1)
    batch = extract(worker, settings, PriceRequest("SPLT", START))
    assert len(batch.bars) > 0
    dividends = batch.actions.query("kind == 'dividend'")
    assert list(dividends["currency"]) == ["CAD"]


def test_window_without_sessions_is_empty(worker: Any, settings: Settings) -> None:
    saturday = CLOCK + timedelta(days=1)
    batch = extract(worker, settings, PriceRequest("EVEN", date(2024, 6, 8)), now=saturday)
    assert tuple(batch.fetches.loc[0, ["status", "reason"]]) == ("empty", "no_data")
    batch = extract(worker, settings, PriceRequest("EVEN", date(2025, 1, 1)))
    assert batch.fetches.loc[0, "attempts"] == 0


def test_new_split_does_not_change_unadjusted_rows(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    requests = PriceRequest("SPLT", START), PriceRequest("REVS", START)
    before = extract(worker, settings, *requests)
    sandbox.set_clock(CLOCK + timedelta(days=3))
    after = extract(worker, settings, *requests, now=CLOCK + timedelta(days=3))
    assert set(after.bars["removed_split_factor"]) == {10.0, 0.05, 1.0}
    old = after.bars[after.bars["session_date"] <= "2024-06-07"].reset_index(drop=True)
    same = ["ticker", "session_date", "open", "high", "low", "close"]
    pd.testing.assert_frame_equal(old[same], before.bars[same])
    assert ((old["volume"] - before.bars["volume"]).abs() <= old["volume_resolution"] / 2).all()
    is_forward = old["ticker"] == "SPLT"
    assert (old["volume"] == before.bars["volume"])[is_forward].all()
    paid = after.actions.query("kind == 'dividend'")
    assert list(paid["value"]) == [0.37]


def test_null_repeated_and_weekend_rows(worker: Any, settings: Settings) -> None:
    batch = extract(worker, settings, PriceRequest("ODDS", START))
    bars = batch.bars.set_index(batch.bars["session_date"].dt.strftime("%m-%d"))
    assert bars.loc["05-22", ["close", "volume"]].isna().all()  # the null row is there
    assert bars.loc["05-25", "close"] == 31.0  # Saturday's row is there, too
    assert bars.index.is_unique  # yfinance keeps one bar of the session sent twice
    assert "06-07" not in bars.index  # an event alone is no bar
    # events on days without a bar are moved to the bar before, the split of 5 June among them
    events = zip(
        batch.actions["ex_date"].dt.strftime("%m-%d"),
        batch.actions["kind"],
        batch.actions["value"],
        strict=True,
    )
    assert list(events) == [
        ("05-25", "dividend", 0.11),
        ("06-04", "split", 2.0),
        ("06-07", "dividend", 0.12),
    ]


def test_every_request_is_rate_limited(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    slow = settings.model_copy(update={"yahoo_requests_per_second": 4.0})
    started = time.monotonic()
    extract(worker, slow, *(PriceRequest(ticker, START) for ticker in ("SPLT", "EVEN", "REVS")))
    requests = len(sandbox.requests())
    assert requests >= 3
    # the first request does not wait
    assert time.monotonic() - started > (requests - 1) * 0.2


def test_invalid_tickers_are_rejected() -> None:
    PriceRequest("^GSPC", START)
    PriceRequest("BRK-B", START)
    for ticker in ("", "aapl", "A/B", "AAPL\n", "A?x=1", "US0378331005", "^"):
        with pytest.raises(InvalidTicker, match="no Yahoo symbol"):
            PriceRequest(ticker, START)


def test_no_requests_return_typed_empty_frames(worker: Any, settings: Settings) -> None:
    batch = extract(worker, settings)
    assert len(batch.bars) == len(batch.actions) == len(batch.fetches) == 0
    assert str(batch.bars["volume"].dtype) == "Int64"


def _charts(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [entry for entry in sandbox.requests() if "chart" in entry["path"]]
