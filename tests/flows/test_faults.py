"""What goes wrong at the providers, through whole flows: named, contained, and made good."""

import json
from typing import Any

import pytest

from tasks.health.checks import run_health_checks
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.tapes import CLOCK, Tape
from warehouse.connect.connections import connect

YAHOO, FRED = "yahoo.com", "stlouisfed.org"
ISHARES = r"ishares\.com|blackrock\.com"
NO_SUCH_SYMBOL = json.dumps(
    {
        "chart": {
            "result": None,
            "error": {
                "code": "Not Found",
                "description": "No data found, symbol may be delisted",
            },
        }
    }
)
HTML = "<!DOCTYPE html><html><body>Internal Server Error</body></html>"


def spoil(replay: Replay, faults: dict[str, dict[str, Any]]) -> None:
    """Scripts one fault per ticker."""
    for ticker, fault in faults.items():
        replay.sandbox.add_fault(host=YAHOO, path=f"/chart/{ticker}$", **({"count": None} | fault))


def test_each_fault_at_yahoo_has_its_name_and_costs_no_other_ticker(replay: Replay) -> None:
    # yfinance repeats a failing request once, so that one 429 goes unnoticed
    faults: dict[str, dict[str, Any]] = {
        "IWM": {"kind": "status", "status": 429, "count": 1},
        "XLB": {"kind": "status", "status": 429, "count": 2},
        "XLC": {"kind": "status", "status": 500, "body": HTML, "content_type": "text/html"},
        "XLE": {"kind": "truncate"},
        "XLF": {"kind": "html_200"},
        "XLI": {"kind": "empty"},
        "XLK": {"kind": "null_rows", "rows": 3},
        "XLP": {"kind": "status", "status": 404, "body": NO_SUCH_SYMBOL},
    }
    spoil(replay, faults)
    end = replay.run("prices", tickers=[*faults, "SPY"])
    assert end.state == "Degraded", end.output
    got = {item: fetch[:2] for item, fetch in replay.fetches().items()}
    assert got == {
        "IWM": ("loaded", None),
        "SPY": ("loaded", None),
        "XLB": ("loaded", None),
        "XLC": ("outage", "http_500"),
        "XLE": ("outage", "not_json"),
        "XLF": ("outage", "service_unavailable"),
        "XLI": ("empty", "no_data"),
        "XLK": ("loaded", None),
        "XLP": ("not_found", "unknown_symbol"),
    }
    attempts = {item: fetch[2] for item, fetch in replay.fetches().items()}
    assert {item: attempts[item] for item in ("IWM", "XLB", "XLC", "XLP")} == {
        "IWM": 1,
        "XLB": 2,
        "XLC": 3,
        "XLP": 1,
    }
    # 252 sessions each, one of XLB's bad and the newest three of XLK's without a value
    assert replay.rows(
        "select ticker, count(*) from published.daily_price group by ticker order by ticker"
    ) == [("IWM", 252), ("SPY", 252), ("XLB", 251), ("XLK", 249)]
    assert replay.rows(
        "select key ->> 'ticker', rule, count(*) from audit.quarantine group by 1, 2 order by 1"
    ) == [("XLB", "ohlc_order", 1), ("XLK", "price_missing", 3)]
    assert "3 outage: XLC, XLE, XLF" in end.message
    assert replay.column("select state from audit.run") == ["degraded"]


@pytest.mark.slow
def test_a_hang_and_a_reset_end_in_time(replay: Replay) -> None:
    spoil(replay, {"XLB": {"kind": "hang", "seconds": 600}, "XLC": {"kind": "reset"}})
    end = replay.run(
        "prices",
        tickers=["IWM", "XLB", "XLC"],
        env={"ROTATION_YAHOO_TIMEOUT_SECONDS": "3", "ROTATION_YAHOO_ATTEMPTS": "2"},
    )
    assert end.state == "Degraded", end.output
    assert {item: fetch[:2] for item, fetch in replay.fetches().items()} == {
        "IWM": ("loaded", None),
        "XLB": ("outage", "timeout"),
        "XLC": ("outage", "connection_reset"),
    }


def test_a_provider_that_keeps_throttling_is_left_alone(replay: Replay) -> None:
    replay.sandbox.add_fault("status", host=YAHOO, path="/chart/", status=429, count=None)
    end = replay.run("prices", env={"ROTATION_YAHOO_CONCURRENCY": "1"})
    assert end.state == "Failed", end.output
    fetches = replay.rows("select status, attempts, count(*) from audit.fetch group by 1, 2")
    everybody = replay.column("select count(*) from audit.fetch")[0]
    # the first after three attempts, the others not_configured; each attempt is two requests
    assert sorted(fetches) == [("throttled", 0, everybody - 1), ("throttled", 3, 1)]
    asked = [entry for entry in replay.sandbox.requests() if "/chart/" in entry["path"]]
    assert len(asked) == 6
    assert replay.column("select count(*) from published.daily_price") == [0]


def test_a_provider_that_is_down_is_given_up_after_five_items(replay: Replay) -> None:
    replay.sandbox.add_fault("status", host=YAHOO, path="/chart/", status=503, count=None)
    end = replay.run(
        "prices",
        env={"ROTATION_YAHOO_CONCURRENCY": "1", "ROTATION_YAHOO_ATTEMPTS": "1"},
    )
    assert end.state == "Failed", end.output
    fetches = replay.rows(
        "select status, reason, attempts, count(*) from audit.fetch group by 1, 2, 3"
    )
    everybody = replay.column("select count(*) from audit.fetch")[0]
    assert sorted(fetches) == [
        ("outage", "http_503", 0, everybody - 5),
        ("outage", "http_503", 1, 5),
    ]


@pytest.mark.slow
def test_an_old_acquaintance_that_yahoo_no_longer_knows_is_delisted(
    start_replay: MakeReplay,
) -> None:
    replay = start_replay(clock="2026-02-05T23:00:00+00:00")
    # beside one that still loads: what all symbols answer alike is an outage
    tickers = ["QJEG", "SPY"]
    bars = "select * from published.daily_price where ticker = 'QJEG' order by session_date"
    assert replay.run("prices", tickers=tickers).state == "Completed"
    stored = replay.rows(bars)
    assert stored
    spoil(replay, {"QJEG": {"kind": "status", "status": 404, "body": NO_SUCH_SYMBOL}})
    # five sessions later it may still have been renamed; six later it is gone
    for day, status in (("2026-02-12", "not_found"), ("2026-02-13", "delisted")):
        replay.sandbox.set_clock(f"{day}T23:00:00+00:00")
        end = replay.run("prices", tickers=tickers)
        assert end.state == "Completed", end.output
        assert replay.fetches()["QJEG"] == (status, "unknown_symbol", 1)
        assert replay.fetches()["SPY"][0] == "loaded"
    assert replay.rows(bars) == stored


@pytest.mark.slow
def test_each_fault_at_fred_has_its_name_and_costs_no_other_series(replay: Replay) -> None:
    series = ["CPIAUCNS", "UNRATE", "ICSA", "A191RL1Q225SBEA", "DFF", "VIXCLS", "SOFR"]
    faults: dict[str, dict[str, Any]] = {
        "CPIAUCNS": {"kind": "status", "status": 429, "count": 1},
        "UNRATE": {"kind": "status", "status": 500, "body": HTML, "content_type": "text/html"},
        "ICSA": {"kind": "truncate"},
        "A191RL1Q225SBEA": {"kind": "html_200"},
        "DFF": {"kind": "hang", "seconds": 600},
    }
    for series_id, fault in faults.items():
        replay.sandbox.add_fault(
            host=FRED, query=f"series_id={series_id}&", **({"count": None} | fault)
        )
    quick = {"ROTATION_FRED_TIMEOUT_SECONDS": "3", "ROTATION_FRED_ATTEMPTS": "2"}
    end = replay.run("macro", series_ids=series, env=quick)
    assert end.state == "Degraded", end.output
    assert replay.fetches() == {
        "CPIAUCNS": ("loaded", None, 3),
        "UNRATE": ("outage", "http_500", 2),
        "ICSA": ("outage", "not_xml", 2),
        # the page is well-formed XML, without what should be in it
        "A191RL1Q225SBEA": ("outage", "html", 2),
        "DFF": ("outage", "timeout", 2),
        "VIXCLS": ("loaded", None, 2),
        "SOFR": ("not_found", "unknown_series", 1),
    }
    held = replay.column("select distinct series_id from published.macro_observation order by 1")
    assert held == ["CPIAUCNS", "VIXCLS"]
    # FRED's dot on a day without a value: unknown, with a reason
    dots = replay.rows(
        "select count(*), count(missing_reason) from published.macro_observation"
        " where series_id = 'VIXCLS' and value is null"
    )
    assert dots[0][0] == dots[0][1] > 0


@pytest.mark.slow
def test_a_licensed_series_that_fred_cuts_short_is_kept_and_reported_once(replay: Replay) -> None:
    series = {"series_ids": ["CPIAUCNS"], "full_history": True}
    end = replay.run("macro", **series)
    assert end.state == "Completed", end.output
    held = replay.checksums()

    def findings() -> list[str]:
        found = run_health_checks(replay.settings, replay.sandbox.now())
        return [each.message for each in found if each.target == "CPIAUCNS"]

    rows = replay.rows(
        "select observation_date::text, vintage_date::text, value::text"
        " from published.macro_observation where value is not null order by 1"
    )
    served = "".join(
        f'<observation realtime_start="{vintage}" realtime_end="9999-12-31" date="{day}"'
        f' value="{value}"/>'
        for day, vintage, value in rows[-3:]
    )
    assert findings() == []
    cut = {"status": 200, "body": f"<observations>{served}</observations>"}
    replay.sandbox.add_fault(
        "status", host=FRED, path="observations", count=None, content_type="text/xml", **cut
    )
    end = replay.run("macro", **series)
    assert end.state == "Completed", end.output
    assert replay.checksums() == held
    [message] = findings()
    assert f"FRED serves no observation of CPIAUCNS before {rows[-3][0]} any more" in message
    # of a series that stays so, a week later
    with connect(replay.settings, "owner") as connection:
        connection.execute("update audit.fetch set finished_at = finished_at - interval '8 days'")
    assert replay.run("macro", **series).state == "Completed"
    assert findings() == []


def test_a_key_that_fred_refuses_ends_the_run_with_fred_at_once(replay: Replay) -> None:
    end = replay.run("macro", env={"FRED_API_KEY": "f" * 32})
    assert end.state == "Failed", end.output
    assert set(replay.rows("select status, reason, attempts > 0 from audit.fetch")) == {
        ("refused", "invalid_api_key", True),
        ("refused", "invalid_api_key", False),
    }
    assert len(replay.sandbox.requests()) == 1
    assert "FRED_API_KEY" in replay.column("select detail from audit.fetch")[0]


def spoil_fund(replay: Replay, product: int, kind: str, **options: int) -> None:
    """Let all URLs of a fund's file fail."""
    replay.sandbox.add_fault(kind, host=ISHARES, path=f"/{product}/", count=None, **options)
    query = f"portfolioId={product}&"
    replay.sandbox.add_fault(kind, path="get-fund-document", query=query, count=None, **options)


def test_each_fault_at_ishares_has_its_name_and_costs_no_other_fund(replay: Replay) -> None:
    spoil_fund(replay, 239710, "html_200")
    spoil_fund(replay, 239774, "status", status=503)
    # the tape has no file of IJH: the provider sends one with a dash for its date
    end = replay.run("holdings", funds=["IWM", "IJR", "IJH", "IVV"])
    assert end.state == "Degraded", end.output
    assert replay.fetches() == {
        "IWM": ("refused", "html", 1),
        "IJR": ("outage", "http_503", 3),
        "IJH": ("empty", "no_file_for_date", 1),
        "IVV": ("loaded", None, 1),
    }
    assert replay.column("select distinct index_code from published.index_membership") == ["SP500"]


def test_a_file_refused_by_a_rule_is_requested_again(replay: Replay, market: Tape) -> None:
    """The fund's largest members have gone from it, and with them a third of its weight."""
    newest = max((market.folder / "holdings" / "IWM").glob("*.csv"))
    head, ticker, rows = newest.read_text("utf-8-sig").partition("Ticker,")
    first, *rest = rows.splitlines(keepends=True)
    body = head + ticker + first + "".join(rest[5:])
    answer = {"status": 200, "body": body, "content_type": "text/csv"}
    replay.sandbox.add_fault("status", host=ISHARES, path="/239710/", count=1, **answer)
    end = replay.run("holdings", funds=["IWM"], only_stale=True)
    assert (end.state, "filed_weights_do_not_sum" in end.message) == ("Failed", True), end.output
    assert replay.fetches() == {"IWM": ("refused", "validation_failed", 1)}
    assert replay.column("select count(*) from published.index_membership") == [0]
    # a quarter of an hour later nothing new is due but this
    end = replay.run("holdings", funds=["IWM"], only_stale=True)
    assert end.state == "Completed", end.output
    assert replay.fetches() == {"IWM": ("loaded", None, 1)}
    assert replay.column("select count(*) > 0 from published.index_membership") == [True]


@pytest.mark.slow
def test_after_a_bad_day_a_good_one_makes_up_for_all_of_it(
    replay: Replay, completed_daily_run: Replay
) -> None:
    spoil(
        replay,
        {
            "IWM": {"kind": "status", "status": 500},
            "QZIR": {"kind": "truncate"},
            "XLB": {"kind": "null_rows", "rows": 3},
        },
    )
    replay.sandbox.add_fault("status", host=FRED, query="CPIAUCSL", status=500, count=None)
    spoil_fund(replay, 239726, "reset")
    end = replay.run("daily")
    assert end.state == "Degraded", end.output
    assert end.message == "holdings: Degraded; prices: Degraded; macro: Degraded"
    assert replay.checksums() != completed_daily_run.checksums()
    replay.sandbox.clear_faults()
    end = replay.run("daily")
    assert end.state == "Completed", end.output
    assert replay.checksums() == completed_daily_run.checksums()
    assert replay.column("select count(*) from history.daily_price") == [0]


@pytest.mark.slow
def test_ten_minutes_without_any_provider_leave_no_trace_in_the_tables(
    start_replay: MakeReplay, completed_daily_run: Replay
) -> None:
    replay = start_replay(clock="2026-02-13T22:50:00+00:00")
    # it begins in the middle of a run: what was asked earlier had come
    replay.sandbox.add_fault("status", host=YAHOO, path="/chart/[Q-Z]", status=503, count=None)
    replay.sandbox.add_fault("reset", host=FRED, query="series_id=[I-Z]", count=None)
    end = replay.run("daily")
    assert end.state == "Degraded", end.output
    replay.sandbox.clear_faults()
    for host in (YAHOO, FRED, ISHARES):
        replay.sandbox.add_fault("status", host=host, status=503, count=None)
    replay.sandbox.set_clock("2026-02-13T22:55:00+00:00")
    end = replay.run("daily")
    assert end.state == "Failed", end.output
    assert end.message == "holdings: Failed; prices: Failed; macro: Failed"
    last = "select flow, state from audit.run order by run_id desc limit 5"
    assert dict(replay.rows(last)) == {
        "holdings": "failed",
        "prices": "failed",
        "macro": "failed",
        "filings": "completed",
        "derived": "completed",
    }
    replay.sandbox.clear_faults()
    replay.sandbox.set_clock(CLOCK)
    end = replay.run("daily")
    assert end.state == "Completed", end.output
    assert replay.checksums() == completed_daily_run.checksums()
    assert replay.column("select count(*) from history.daily_price") == [0]
