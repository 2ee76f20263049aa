"""Runs, loads and looks at a warehouse without the tasks."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest

from expectations.contract import Contract
from warehouse.connections import bulk, connect
from warehouse.merge import Counts, begin, merge
from warehouse.settings import Settings


@pytest.fixture(scope="session")
def new_run() -> Callable[[Settings], int]:
    """Opens a run; returns its number."""

    def new(settings: Settings) -> int:
        with connect(settings) as connection:
            row = connection.execute(
                "insert into audit.run (flow, process) values ('test', 'test:1') returning run_id"
            ).fetchone()
        return row[0]

    return new


@pytest.fixture(scope="session")
def merged(new_run: Callable[[Settings], int]) -> Callable[..., Counts]:
    """Merges and commits a frame in a run of its own."""

    def load(
        settings: Settings,
        contract: Contract,
        frame: pd.DataFrame | pl.DataFrame,
        replaced: str | None = None,
    ) -> Counts:
        run_id = new_run(settings)
        with bulk(settings) as connection:
            instant = begin(connection, [contract])
            counts = merge(connection, contract, frame, run_id, instant, replaced)
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
        return frame.assign(**given, market_value_usd=1.0, source="test")

    return make


@pytest.fixture(scope="session")
def query() -> Callable[..., list[tuple[Any, ...]]]:
    """The rows of a query, asked as the owner, who sees all."""

    def ask(settings: Settings, text: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with connect(settings, "owner") as connection:
            return connection.execute(text, parameters).fetchall()

    return ask
