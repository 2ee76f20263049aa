"""The comparison with a second source of prices, through the whole flow and over real sockets."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.health.checks import run_health_checks
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay, RunResult
from tests.flows.tapes import Tape
from tests.flows.test_secret import dump, files_with
from warehouse.connect.connections import connect
from warehouse.connect.dsn import database_name

KEY = "5ec0d5ec0d5ec0d5ec0d5ec0d5ec0d5ec0d5ec0d"
TIINGO = r"api\.tiingo\.com"
# of warehouse/reference/pair.csv, without the two indexes
LEGS = ["IJR", "IWM", "KRE", "QQQ", "RSP", "SPY", "XBI"]
NEWEST = "2026-02-13"
DIFFERENCES = (
    "select ticker, session_date::text, field, unit, stored_value, source_value, resolved_at"
    " from audit.price_discrepancy order by ticker, session_date, field"
)


@pytest.fixture(scope="module")
def stored(start_replay: MakeReplay) -> Replay:
    """A warehouse with the prices of the pairs' legs."""
    replay = start_replay()
    end = replay.run("prices", tickers=LEGS)
    assert end.state == "Completed", end.output
    return replay


@pytest.fixture
def replay(stored: Replay) -> Iterator[Replay]:
    """The same without faults and requests; the tests run in their order."""
    stored.sandbox.clear_requests()
    yield stored
    stored.sandbox.clear_faults()


def check(replay: Replay, key: str = KEY, **parameters: Any) -> RunResult:
    quick = {"ROTATION_TIINGO_BACKOFF_SECONDS": "0.1", "ROTATION_TIINGO_REQUESTS_PER_HOUR": "1000"}
    return replay.run("price_check", env=quick | {"TIINGO_API_KEY": key}, **parameters)


def requested(replay: Replay) -> list[str]:
    """The tickers that Tiingo was requested for."""
    log = [entry for entry in replay.sandbox.requests() if "tiingo" in entry["host"]]
    return [entry["path"].split("/")[3] for entry in log]


def reply_with(replay: Replay, ticker: str, count: int | None = None, **fault: Any) -> None:
    fault = {"kind": "status", "status": 200, "content_type": "application/json"} | fault
    kind = fault.pop("kind")
    replay.sandbox.add_fault(kind, host=TIINGO, path=f"/daily/{ticker}/", count=count, **fault)


def newest_rows(market: Tape, ticker: str) -> list[dict[str, Any]]:
    """The last five sessions of a ticker, by hand from the tape."""
    bars = market.bars().filter(ticker=ticker).sort("session_date")
    bars = bars.filter(bars["session_date"].cast(str) <= NEWEST).tail(5)
    return [
        {"date": f"{day}T00:00:00.000Z", "close": close, "divCash": 0.0, "splitFactor": 1.0}
        for day, close in bars.select("session_date", "close").iter_rows()
    ]


def test_without_a_key_it_says_so_and_requests_nothing(replay: Replay) -> None:
    end = check(replay, key="")
    assert end.state == "Completed", end.output
    assert end.message == (
        "Off: TIINGO_API_KEY is not set, so prices are not compared with a second source."
    )
    assert requested(replay) == []
    assert replay.column("select flow from audit.run") == ["prices"]


def test_agreement_writes_no_row(replay: Replay) -> None:
    end = check(replay)
    assert end.state == "Completed", end.output
    assert "7 of 7 tickers compared with Tiingo, 35 closes to 2026-02-13: 0 new" in end.message
    assert requested(replay) == LEGS
    assert replay.rows(DIFFERENCES) == []
    assert replay.rows(
        "select item, status, rows from audit.fetch where source = 'tiingo' order by item"
    ) == [(ticker, "loaded", 5) for ticker in LEGS]
    # nothing of it is a price that was fetched
    assert replay.column("select distinct dataset from audit.fetch where source = 'tiingo'") == [
        "price_discrepancy"
    ]


def test_a_difference_is_one_row_however_often_it_is_seen(replay: Replay, market: Tape) -> None:
    rows = newest_rows(market, "SPY")
    true_close = rows[2]["close"]
    rows[2]["close"] = round(true_close + 1, 2)
    # one session has another close by a cent, which is rounding
    rows[3]["close"] = round(rows[3]["close"] + 0.01, 2)
    reply_with(replay, "SPY", body=json.dumps(rows))
    other = newest_rows(market, "IWM")
    other[1]["splitFactor"] = 4.0
    reply_with(replay, "IWM", body=json.dumps(other))
    closes = dict(
        replay.rows("select session_date, close from published.daily_price where ticker = 'SPY'")
    )
    first = check(replay)
    assert first.state == "Completed", first.output
    assert "7 of 7 tickers compared with Tiingo, 35 closes to 2026-02-13: 2 new" in first.message
    expected = [
        ("IWM", other[1]["date"][:10], "split", "new shares per old share", 1.0, 4.0, None),
        (
            "SPY",
            rows[2]["date"][:10],
            "close",
            "USD",
            pytest.approx(true_close, rel=1e-6),
            pytest.approx(true_close + 1, rel=1e-6),
            None,
        ),
    ]
    assert replay.rows(DIFFERENCES) == expected
    replay.sandbox.clear_requests()
    # of what was compared since the close, only the two are requested again, at 21:30
    replay.sandbox.set_clock("2026-02-14T02:30:00Z")
    second = check(replay, only_stale=True)
    assert "0 new differences, 2 open from before, 0 resolved" in second.message
    assert requested(replay) == ["IWM", "SPY"]
    assert replay.rows(DIFFERENCES) == expected
    assert replay.column("select last_run_id - first_run_id from audit.price_discrepancy") == [1, 1]
    assert closes == dict(
        replay.rows("select session_date, close from published.daily_price where ticker = 'SPY'")
    )


def test_health_names_each_ticker_that_differs(replay: Replay) -> None:
    found = [
        str(issue)
        for issue in run_health_checks(replay.settings, datetime.now(UTC))
        if issue.check == "prices"
    ]
    assert len(found) == 2
    assert found[0].startswith("prices: IWM: 1 value differs from the second source since ")
    assert "split: 1 stored, another value at tiingo (new shares per old share)" in found[0]


def test_no_reply_is_no_agreement(replay: Replay) -> None:
    replay.sandbox.add_fault("status", host=TIINGO, status=503, count=None)
    end = check(replay)
    assert end.state == "Failed", end.output
    assert "0 of 7 tickers compared with Tiingo, 0 closes" in end.message
    assert "0 resolved" in end.message
    assert replay.column(
        "select count(*) from audit.price_discrepancy where resolved_at is null"
    ) == [2]
    # named, and given up after five tickers in a row
    assert {fetch[:2] for item, fetch in replay.fetches().items()} == {("outage", "http_503")}
    assert len(requested(replay)) == 10


def test_a_difference_ends_when_both_agree_or_its_ticker_was_renamed(replay: Replay) -> None:
    with connect(replay.settings) as connection:
        connection.execute(
            """
            insert into audit.price_discrepancy (
                ticker, session_date, field, unit, stored_value, source, source_value,
                first_run_id, last_run_id
            ) values ('FORMER', %s, 'close', 'USD', 1, 'tiingo', 2, 1, 1)
            """,
            (NEWEST,),
        )
    end = check(replay)
    assert "0 new differences, 0 open from before, 3 resolved" in end.message
    assert requested(replay) == LEGS
    assert [row[-1] is not None for row in replay.rows(DIFFERENCES)] == [True] * 3
    issues = run_health_checks(replay.settings, datetime.now(UTC))
    assert not [issue for issue in issues if issue.check == "prices"]


def test_each_refusal_has_its_name_and_costs_no_other_ticker(replay: Replay, market: Tape) -> None:
    reply_with(replay, "IJR", body="[]")
    reply_with(
        replay, "IWM", status=404, body=json.dumps({"detail": "Error: Ticker 'IWM' not found"})
    )
    reply_with(replay, "KRE", kind="html_200")
    # its newest session is not there yet
    reply_with(replay, "QQQ", body=json.dumps(newest_rows(market, "QQQ")[:-1]))
    # two sessions in the middle are not sent
    sessions = newest_rows(market, "RSP")
    reply_with(replay, "RSP", body=json.dumps([*sessions[:2], sessions[4]]))
    # as Tiingo words it, with status 200
    reply_with(replay, "SPY", body="You have run over your 500 symbol look up for this month.")
    end = check(replay)
    assert end.state == "Degraded", end.output
    assert {item: fetch[:2] for item, fetch in replay.fetches().items()} == {
        "IJR": ("empty", "no_data"),
        "IWM": ("not_found", "unknown_symbol"),
        "KRE": ("outage", "html"),
        "QQQ": ("loaded", None),
        "RSP": ("loaded", None),
        "SPY": ("throttled", "monthly_limit"),
        "XBI": ("throttled", "monthly_limit"),
    }
    assert "3 of 7 tickers compared with Tiingo, 7 closes to 2026-02-13: 5 new" in end.message
    days = [row["date"][:10] for row in sessions]
    # the newest two may be late
    missing = [*(("IJR", day) for day in days[:3]), *(("RSP", day) for day in days[2:4])]
    assert [row[:6] for row in replay.rows(DIFFERENCES) if row[2] == "bar"] == [
        (ticker, day, "bar", "bars", 1.0, 0.0) for ticker, day in missing
    ]
    assert requested(replay)[-1] == "SPY"


def test_nothing_compared_is_a_failed_run_and_unknown_tickers_differ_no_more(
    replay: Replay,
) -> None:
    body = json.dumps({"detail": "Error: Ticker not found"})
    replay.sandbox.add_fault("status", host=TIINGO, status=404, body=body, count=None)
    end = check(replay)
    assert end.state == "Failed", end.output
    assert "Nothing was compared with the second source." in end.message
    # the five bars of the last test
    assert "0 of 7 tickers compared with Tiingo, 0 closes: 0 new differences" in end.message
    assert "5 resolved" in end.message
    replay.sandbox.clear_faults()
    # replies without bars lack three of each, of which four differed before: IJR's, one of RSP
    replay.sandbox.add_fault(
        "status", host=TIINGO, status=200, content_type="application/json", body="[]", count=None
    )
    end = check(replay)
    assert end.state == "Completed", end.output
    assert "7 of 7 tickers compared with Tiingo, 0 closes: 17 new differences, 4 open" in (
        end.message
    )


def test_a_used_up_hour_leaves_the_others_for_later(replay: Replay) -> None:
    used = replay.column("select sum(attempts)::integer from audit.fetch where source = 'tiingo'")[
        0
    ]
    hour = {"TIINGO_API_KEY": KEY, "ROTATION_TIINGO_REQUESTS_PER_HOUR": str(used + 2)}
    end = replay.run("price_check", env=hour)
    assert end.state == "Completed", end.output
    assert requested(replay) == LEGS[:2]
    assert "5 tickers are left for a later run" in end.message


@pytest.mark.slow
def test_a_late_session_is_not_counted_as_compared(replay: Replay, market: Tape) -> None:
    replay.sandbox.set_clock("2026-02-13T23:00:00Z")
    for ticker in LEGS:
        reply_with(replay, ticker, body=json.dumps(newest_rows(market, ticker)[:-1]))
    end = check(replay)
    assert "7 of 7 tickers compared with Tiingo, 28 closes to 2026-02-12:" in end.message
    replay.sandbox.clear_faults()
    replay.sandbox.clear_requests()
    replay.sandbox.set_clock("2026-02-14T02:30:00Z")
    assert "35 closes to 2026-02-13" in check(replay, only_stale=True).message
    assert requested(replay) == LEGS
    assert "Up to date" in check(replay, only_stale=True).message


def test_a_refused_key_is_named_and_ends_the_requests(replay: Replay) -> None:
    end = check(replay, key="f" * 40)
    assert end.state == "Failed", end.output
    assert len(requested(replay)) == 1
    [detail] = replay.column(
        "select distinct detail from audit.fetch where reason = 'invalid_api_key' and attempts = 1"
    )
    assert "Correct TIINGO_API_KEY" in detail
    assert "f" * 40 not in end.output + detail


def test_the_key_is_in_no_log_file_or_table(replay: Replay, tmp_path: Path) -> None:
    # replies that quote it, whole, cut or as a value, and a key that breaks the header
    body = json.dumps({"detail": f"Not permitted: {KEY}"})
    session = {"date": f"{NEWEST}T00:00:00.000Z", "close": f"Token {KEY}", "splitFactor": 1.0}
    reply_with(replay, LEGS[0], count=2, body=body[:-2])
    reply_with(replay, LEGS[1], count=2, body=json.dumps([session]))
    reply_with(replay, LEGS[2], count=2, status=403, body=body)
    outputs = [check(replay).output, check(replay, key=KEY + "\u00e9").output]
    assert replay.column(
        "select distinct reason from audit.fetch where reason like any"
        " ('{not_json,malformed,http_403}') order by reason"
    ) == ["http_403", "malformed", "not_json"]
    assert "no key" not in outputs[0]
    assert KEY not in "".join(outputs)
    assert files_with(KEY, replay.settings.home) == []
    assert files_with(KEY, replay.logs.parent) == []
    content = dump(replay.settings, database_name(replay.settings))
    assert b"Not permitted: ***" in content
    assert KEY.encode() not in content
