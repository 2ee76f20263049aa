"""A simulated market with a rename and a reused symbol, loaded on different schedules."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from deployments.sandbox.market import simulate
from deployments.sandbox.providers.yahoo.history import Listing, ListingIndex
from deployments.sandbox.tape.tape import Tape, load_tape
from expectations.tables import corporate_action, daily_price, index_membership
from tasks.extract.ishares.parse_file import parse_holdings
from tasks.extract.provider.fetch_log import FetchRecord, to_frame, utc_now
from tasks.extract.provider.frames import concat_typed
from tasks.extract.yahoo.extract import PriceRequest
from tasks.extract.yahoo.parse import ACTION_COLUMNS, BAR_COLUMNS, parse_history, to_frames
from tasks.load.load import load
from tasks.plan.batched import batched
from tasks.plan.prices import price_requests
from tasks.run.context import open_run
from tasks.validate.report import QUARANTINE_COLUMNS, RESULT_COLUMNS
from tasks.validate.validate import Checked
from warehouse.backup.checksum import checksums
from warehouse.connect.connections import connect
from warehouse.settings import Settings

NO_QUARANTINE = pd.DataFrame(columns=[*QUARANTINE_COLUMNS])
NO_RESULTS = pd.DataFrame(columns=[*RESULT_COLUMNS])
BATCH = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of 28 companies."""
    folder = tmp_path_factory.mktemp("tape")
    simulate(folder, seed=7, small=20, large=8, years=1)
    return folder


@pytest.fixture(scope="module")
def tape(folder: Path) -> Tape:
    """The market without the vendor's defects: what validation would let through."""
    return replace(load_tape(folder), defects={})


@pytest.fixture(scope="module")
def sessions(tape: Tape) -> list[date]:
    """The tape's sessions."""
    return tape.bars["SPY"].dates.tolist()


@pytest.fixture(scope="module")
def symbols(folder: Path) -> dict[str, str]:
    """The old and the new symbol of the renamed company, and the reused symbol."""
    listed = pl.read_csv(folder / "instruments.csv", infer_schema=False)
    old, new = listed.drop_nulls("renamed_to").select("ticker", "renamed_to").row(0)
    reused = listed.filter(pl.col("ticker").is_duplicated())["ticker"][0]
    return {"old": old, "new": new, "reused": reused}


def reply(listing: Listing, ticker: str, start: date, until: date):
    """The bars and actions that a listing shows in a window."""
    rows, actions = listing.rows, listing.actions
    frame = pd.DataFrame(
        dict(zip(("Open", "High", "Low", "Close"), rows.prices, strict=True)),
        index=pd.DatetimeIndex(rows.dates),
    ).assign(Volume=rows.volume)
    events = {"Stock Splits": actions.splits, "Dividends": actions.dividends}
    for name, dated in events.items():
        values = dated.values
        if name == "Dividends":
            values = values / listing.factors.split_factor(dated.dates)
        found = pd.Series(values, pd.DatetimeIndex(dated.dates))
        frame[name] = found.reindex(frame.index).fillna(0.0)
    return to_frames([parse_history(ticker, frame.loc[str(start) : str(until)])])


@pytest.fixture
def fill(tape: Tape, folder: Path, make_warehouse: Callable[[], Settings]):
    """Fills a warehouse with a run on each of some days; returns its settings."""
    vendor = ListingIndex(tape)

    def ask(window: PriceRequest, today: date):
        now = datetime.combine(today, time(23), UTC)
        listing = vendor.find(window.ticker, now)
        bars, actions = (
            reply(listing, window.ticker, window.start, today)
            if listing
            else (concat_typed((), BAR_COLUMNS), concat_typed((), ACTION_COLUMNS))
        )
        fetch = FetchRecord(
            "yahoo", "daily_price", window.ticker, window.start, today,
            "loaded" if listing else "not_found", None if listing else "unknown_symbol", "",
            len(bars), 1, utc_now(), utc_now(),
        )  # fmt: skip
        return bars, actions, fetch

    def refresh(settings: Settings, today: date, files: Iterable[tuple[str, Path]]) -> None:
        with open_run("test", settings) as run:
            for index_code, file in files:
                fund = {"fund": file.parent.name, "index_code": index_code}
                members = parse_holdings(file.read_bytes(), fund).members
                checked = Checked(index_membership.CONTRACT, members, NO_QUARANTINE, NO_RESULTS)
                load.fn(to_frame(()), (checked,), run.writer)
            for requests in batched(price_requests([*tape.bars], False, settings), BATCH):
                bars, actions, fetches = zip(*(ask(each, today) for each in requests), strict=True)
                tables = (
                    (daily_price.CONTRACT, concat_typed(bars, BAR_COLUMNS)),
                    (corporate_action.CONTRACT, concat_typed(actions, ACTION_COLUMNS)),
                )
                checked = [
                    Checked(contract, frame, NO_QUARANTINE, NO_RESULTS)
                    for contract, frame in tables
                ]
                load.fn(to_frame(fetches), checked, run.writer)

    def fill(days: Iterable[date]) -> Settings:
        settings = make_warehouse()
        files = {
            (index_code, file): date.fromisoformat(file.stem)
            for index_code, fund in (("R2000", "IWM"), ("SP500", "IVV"))
            for file in (folder / "holdings" / fund).glob("*.csv")
        }
        for today in days:
            # a file describes the close before
            known = sorted(
                (f for f, as_of in files.items() if as_of < today), key=files.__getitem__
            )
            refresh(settings, today, known)
            for file in known:
                del files[file]
        return settings

    return fill


def heir(tape: Tape, symbols: dict[str, str]) -> date:
    """The first session of the company that took over the reused symbol."""
    return tape.instruments[symbols["reused"]][1].first_session


def content(settings: Settings) -> dict[str, str]:
    with connect(settings) as connection:
        return {each.table: f"{each.rows} {each.digest}" for each in checksums(connection)}


def prices(settings: Settings) -> pl.DataFrame:
    with connect(settings) as connection:
        cursor = connection.execute(
            "select ticker, session_date, close, volume, close_total_return"
            " from published.daily_price order by 1, 2"
        )
        names = [column.name for column in cursor.description]
        return pl.DataFrame(cursor.fetchall(), schema=names, orient="row")


@pytest.mark.slow
def test_schedules_give_the_same_rows(fill, sessions, symbols, tape):
    """Daily around the events, and only as often as the vendor's forgetting asks for."""
    turn = int(len(sessions) * 0.7)
    reuse = sessions.index(heir(tape, symbols))
    near = [*sessions[reuse - 2 : reuse + 3], *sessions[turn - 3 : turn + 3]]
    daily = fill([sessions[80], *near, sessions[-1]])
    rarely = fill([sessions[80], sessions[turn - 1], sessions[-1]])
    assert content(daily) == content(rarely)

    old, new, reused = symbols["old"], symbols["new"], symbols["reused"]
    with connect(daily) as connection:
        found = connection.execute(
            """
            select ticker, valid_from, valid_to, renamed_from, renamed_to from published.ticker
            where ticker = any (%s) order by valid_from nulls first, ticker
            """,
            ([old, new, reused],),
        ).fetchall()
        strays = connection.execute(
            """
            select member.ticker, member.as_of_date
            from core.index_membership as member
            join core.ticker as name on name.instrument_id = member.instrument_id
                and name.valid_from <= member.as_of_date and member.as_of_date < name.valid_to
            where name.ticker <> member.ticker
            """
        ).fetchall()
    heir_from = heir(tape, symbols)
    assert sorted(found, key=str) == sorted(
        [
            (old, None, sessions[turn], None, new),
            (new, sessions[turn], None, old, None),
            (reused, None, heir_from, None, None),
            (reused, heir_from, None, None, None),
        ],
        key=str,
    )
    assert strays == []

    held = prices(daily)
    assert held.select("ticker", "session_date").is_duplicated().sum() == 0
    for ticker in (old, new, reused):
        bars = tape.bars[ticker]
        rows = held.filter(pl.col("ticker") == ticker)
        assert rows["session_date"].to_list() == bars.dates.tolist()
        assert np.abs(rows["close"].to_numpy() / bars.prices[3] - 1).max() < 1e-6


@pytest.mark.slow
def test_one_fill_at_the_end_knows_what_the_vendor_still_shows(fill, sessions, symbols, tape):
    """The old symbol and the dead company are gone from the vendor; all else is the same."""
    turn = int(len(sessions) * 0.7)
    over_time = prices(fill([sessions[80], sessions[turn - 1], sessions[-1]]))
    at_once = prices(fill([sessions[-1]]))
    dead = pl.col("ticker") == symbols["reused"]
    dead &= pl.col("session_date") < heir(tape, symbols)
    assert len(at_once.filter(dead)) == 0
    expected = over_time.filter(~dead).with_columns(
        pl.col("ticker").replace({symbols["old"]: symbols["new"]})
    )
    assert at_once.equals(expected.sort("ticker", "session_date"))
