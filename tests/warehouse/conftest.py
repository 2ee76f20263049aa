"""Runs, loads and looks at a warehouse without the tasks."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from expectations.contract import Contract
from expectations.tables import corporate_action, daily_price
from tasks.extract.provider.fetch_log import FetchRecord, to_frame, utc_now
from tasks.load.load import load
from tasks.run.context import RunContext
from tasks.validate.report import QUARANTINE_COLUMNS, RESULT_COLUMNS
from tasks.validate.validate import Checked
from tests import audit_rows
from tests.warehouse.companies import SESSIONS, day
from warehouse.connect.connections import adbc_connection, connect
from warehouse.merge.counts import MergeCounts
from warehouse.merge.merge import lock_tables, merge
from warehouse.settings import Settings


@pytest.fixture(scope="session")
def new_run() -> Callable[[Settings], int]:
    """Opens a run; returns its number."""

    return audit_rows.new_run


@pytest.fixture(scope="session")
def merged(new_run: Callable[[Settings], int]) -> Callable[..., MergeCounts]:
    """Merges and commits a frame in a run of its own."""

    def load(
        settings: Settings,
        contract: Contract,
        frame: pd.DataFrame | pl.DataFrame,
        replaced: str | None = None,
    ) -> MergeCounts:
        run_id = new_run(settings)
        with adbc_connection(settings) as connection:
            loaded_at = lock_tables(connection, [contract])
            counts = merge(connection, contract, frame, run_id, loaded_at, replaced)
            connection.commit()
        return counts

    return load


@pytest.fixture(scope="session")
def members() -> Callable[..., pd.DataFrame]:
    """Makes a snapshot of the Russell 2000's members from `(ticker, as_of_date, weight_pct)`."""

    def make(*rows: tuple[str, str, float]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["ticker", "as_of_date", "weight_pct"])
        frame["as_of_date"] = pd.to_datetime(frame["as_of_date"])
        frame["known_from"] = frame["as_of_date"] + pd.Timedelta(days=1)
        given = {"index_code": "R2000", "name": "A", "sector": None, "exchange": "NYSE"}
        given |= {"weight_pct_filed": None, "shares": 1.0, "price_usd": None, "fund": "IWM"}
        given |= {"cusip": None, "isin": None, "lei": None}
        return frame.assign(**given, market_value_usd=1.0, source="test")

    return make


@pytest.fixture(scope="session")
def query() -> Callable[..., list[tuple[Any, ...]]]:
    """The rows of a query, asked as the owner, who sees all."""

    def ask(settings: Settings, text: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with connect(settings, "owner") as connection:
            return connection.execute(text, parameters).fetchall()

    return ask


@pytest.fixture
def history(bars) -> Callable[..., pd.DataFrame]:
    """Makes a company's bars in some sessions, under a symbol; a company is its seed."""

    def make(ticker: str, seed: int, first: int, after: int) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        closes = 50 * np.exp(np.cumsum(random.normal(0, 0.02, len(SESSIONS))))
        volumes = random.integers(1_000, 9_000_000, len(SESSIONS))
        return bars(
            *(
                (ticker, day(each), round(float(closes[each]), 6), int(volumes[each]))
                for each in range(first, after)
            )
        )

    return make


@pytest.fixture(scope="session")
def member(members: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Makes the only member of an index."""

    def make(ticker: str, as_of: str, index_code: str = "R2000") -> pd.DataFrame:
        return members((ticker, as_of, 100.0)).assign(index_code=index_code)

    return make


@pytest.fixture
def reply(settings, new_run, actions):
    """Load bars as one reply to a request from a session on; no row was quarantined."""
    nothing = pd.DataFrame(columns=[*QUARANTINE_COLUMNS])
    results = pd.DataFrame(columns=[*RESULT_COLUMNS])

    def give(
        frame: pd.DataFrame,
        window_start: str,
        aside: pd.DataFrame = nothing,
        acted: pd.DataFrame | None = None,
    ) -> MergeCounts:
        fetches = to_frame(
            FetchRecord(
                "yahoo", "daily_price", ticker, date.fromisoformat(window_start), None, "loaded",
                None, "", 1, 1, utc_now(), utc_now(),
            )
            for ticker in frame["ticker"].unique()
        )  # fmt: skip
        some_actions = actions() if acted is None else acted
        checked = (
            Checked(daily_price.CONTRACT, frame, aside, results),
            Checked(corporate_action.CONTRACT, some_actions, nothing, results),
        )
        writer = RunContext(run_id=new_run(settings), settings=settings).writer
        counts = load.fn(fetches, checked, writer).counts["daily_price"]
        return MergeCounts(**{name: n for name, n in counts.items() if name != "quarantined"})

    return give
