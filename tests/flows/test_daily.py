"""A whole simulated market through all flows: the warehouse equals the market."""

from pathlib import Path

import polars as pl
import pytest
from psycopg.errors import InsufficientPrivilege

from tests.deployments.conftest import wait
from tests.flows.replay import Replay
from tests.flows.tapes import CLOCK, KEPT_SERIES, Tape
from warehouse.connect.connections import connect

REFERENCE = Path(__file__).parents[2] / "warehouse" / "reference"
# the vendor keeps single precision: 24 bits, and a split's undoing costs a step of its own
SINGLE_PRECISION = 2.4e-7
NEWEST_FILE = "2026-02-12"


def reference(table: str, column: str) -> set[str]:
    return set(pl.read_csv(REFERENCE / f"{table}.csv")[column])


@pytest.fixture(scope="module")
def followed(market: Tape) -> set[str]:
    """The tickers that a run must ask for."""
    members = {t for fund in ("IWM", "IVV") for t in market.members(fund, NEWEST_FILE)}
    legs = reference("pair", "small") | reference("pair", "large")
    return members | legs | reference("watch_list", "ticker")


@pytest.fixture(scope="module")
def bad(market: Tape, followed: set[str]) -> set[tuple[str, str]]:
    return {key for key in market.bad_bars() if key[0] in followed}


def test_every_bar_is_there_as_it_was_traded(
    completed_daily_run: Replay, market: Tape, followed: set[str], bad: set[tuple[str, str]]
) -> None:
    true = {
        (ticker, day.isoformat()): rest
        for ticker, day, *rest in market.bars()
        .select("ticker", "session_date", "open", "high", "low", "close", "volume")
        .iter_rows()
        if ticker in followed and (ticker, day.isoformat()) not in bad
    }
    held = {
        (ticker, day): rest
        for ticker, day, *rest in completed_daily_run.rows(
            "select ticker, session_date::text, open, high, low, close, volume"
            " from published.daily_price"
        )
    }
    assert held.keys() == true.keys()
    for key, (*prices, volume) in held.items():
        assert prices == pytest.approx(true[key][:4], rel=SINGLE_PRECISION), key
        assert volume == true[key][4], key


def test_every_bad_bar_is_quarantined_and_no_other(
    completed_daily_run: Replay, bad: set[tuple[str, str]]
) -> None:
    aside = completed_daily_run.rows(
        "select key ->> 'ticker', key ->> 'session_date' from audit.quarantine"
        " where table_name = 'daily_price'"
    )
    assert len(bad) > 30
    assert set(aside) == bad


def test_every_action_is_there_as_it_was_paid(
    completed_daily_run: Replay, market: Tape, followed: set[str]
) -> None:
    true = market.actions().filter(pl.col("ticker").is_in(followed))
    held = completed_daily_run.rows(
        "select ticker, ex_date, kind, value from published.corporate_action order by 1, 2, 3"
    )
    expected = true.sort("ticker", "ex_date", "kind").rows()
    assert [row[:3] for row in held] == [row[:3] for row in expected]
    # a dividend before a split comes restated for it, rounded to six decimals
    assert [row[3] for row in held] == pytest.approx([row[3] for row in expected], rel=2e-5)


def test_every_vintage_is_there(completed_daily_run: Replay, market: Tape) -> None:
    columns = ("series_id", "observation_date", "realtime_start", "value")
    true = market.observations(CLOCK[:10]).select(columns)
    held = completed_daily_run.rows(
        "select series_id, observation_date, vintage_date, value from published.macro_observation"
    )
    assert set(true["series_id"]) == set(KEPT_SERIES)
    assert sorted(row[:3] for row in held) == sorted(row[:3] for row in true.rows())
    assert {row[:3]: row[3] for row in held} == {row[:3]: row[3] for row in true.rows()}


def test_the_month_that_was_never_published_stays_unknown(completed_daily_run: Replay) -> None:
    assert completed_daily_run.rows(
        "select value, missing_reason is not null from published.macro_latest"
        " where series_id = 'CPIAUCSL' and observation_date = '2025-10-01'"
    ) == [(None, True)]


@pytest.mark.parametrize(("fund", "index_code"), [("IWM", "R2000"), ("IVV", "SP500")])
def test_the_members_are_those_of_the_file(
    completed_daily_run: Replay, market: Tape, fund: str, index_code: str
) -> None:
    held = completed_daily_run.rows(
        "select ticker, weight_pct_filed, as_of_date::text, known_from::text"
        " from published.index_membership where index_code = %s",
        index_code,
    )
    assert {ticker: weight for ticker, weight, *_ in held} == market.members(fund, NEWEST_FILE)
    assert {row[2:] for row in held} == {(NEWEST_FILE, "2026-02-13")}


def test_tickers_missing_on_the_tape_are_in_the_fetch_log_and_no_failure(
    completed_daily_run: Replay, market: Tape, followed: set[str]
) -> None:
    listed = set(market.csv("instruments")["ticker"])
    unknown_series = reference("macro_series", "series_id") - set(KEPT_SERIES)
    lacking = {
        item: (status, reason)
        for item, (status, reason, _) in completed_daily_run.fetches().items()
        # the SEC's companies and days are numbers: test_filings.py
        if status != "loaded" and not item[0].isdigit()
    }
    assert lacking == {
        **dict.fromkeys(followed - listed, ("not_found", "unknown_symbol")),
        **dict.fromkeys(unknown_series, ("not_found", "unknown_series")),
    }
    assert completed_daily_run.column("select distinct state from audit.run") == ["completed"]


def test_the_reader_sees_it_all_and_nothing_else(completed_daily_run: Replay) -> None:
    with connect(completed_daily_run.settings, "reader") as connection:
        assert connection.execute("select count(*) from published.daily_price").fetchone() != (0,)
        with pytest.raises(InsufficientPrivilege):
            connection.execute("select 1 from core.daily_price")


@pytest.mark.parametrize("table", ["daily_price", "rotation_metrics"])
def test_each_changed_table_is_one_event(completed_daily_run: Replay, table: str) -> None:
    events = {
        "event": {"name": ["rotation.published"]},
        "resource": {"id": [f"rotation.table.{table}"]},
    }
    rows = completed_daily_run.column(f"select count(*) from published.{table}")[0]

    def count() -> int:
        found = completed_daily_run.api.post("/events/filter", {"filter": events}).json()["events"]
        return [event["payload"]["new"] for event in found].count(rows)

    # the server stores events a little after the run
    wait(lambda: count() == 1)
