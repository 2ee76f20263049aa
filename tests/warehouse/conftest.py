"""Runs, loads and looks at a warehouse without the tasks."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pytest

from expectations.contract import Contract
from warehouse.connections import bulk, connect
from warehouse.merge import Counts, merge
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
            counts = merge(connection, contract, frame, run_id, replaced)
            connection.commit()
        return counts

    return load


@pytest.fixture(scope="session")
def query() -> Callable[..., list[tuple[Any, ...]]]:
    """The rows of a query, asked as the owner, who sees all."""

    def ask(settings: Settings, text: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with connect(settings, "owner") as connection:
            return connection.execute(text, parameters).fetchall()

    return ask
