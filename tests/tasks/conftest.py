"""Batches and runs, without the sources."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pandas as pd
import pytest

from expectations.tables import corporate_action, daily_price
from tasks.load.load import LoadBatch, load
from tasks.run.context import RunContext, open_run
from tasks.validate.report import QUARANTINE_COLUMNS, RESULT_COLUMNS
from tasks.validate.validate import Validated
from warehouse.connect.connections import connect
from warehouse.merge.merge import MergeCounts
from warehouse.settings import Settings

INSTANT = datetime(2024, 6, 7, 22, tzinfo=UTC)


@pytest.fixture
def new_run() -> Iterator[Callable[[Settings], RunContext]]:
    """Opens runs that end with the test."""
    number = count()
    with ExitStack() as stack:
        # runs of one flow take turns: each of these is of another
        yield lambda settings: stack.enter_context(open_run(f"test {next(number)}", settings))


@pytest.fixture(scope="session")
def fetches() -> Callable[..., pd.DataFrame]:
    """Makes ledger rows from `(item, status)`."""

    def make(*rows: tuple[str, str]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["item", "status"], dtype=object)
        frame["reason"] = frame["status"].mask(frame["status"] == "loaded", None)
        return frame.assign(
            source="yahoo", dataset="daily_price", window_start=None, window_end=None,
            detail="a sentence", rows=1, attempts=1, started_at=INSTANT, finished_at=INSTANT,
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def validated() -> Callable[..., Validated]:
    """What validation might have said: good rows, rows set aside, and one result per rule."""

    def make(
        good: pd.DataFrame,
        quarantine: tuple[tuple[str, ...], ...] = (),
        results: tuple[tuple[object, ...], ...] = (),
    ) -> Validated:
        aside = pd.DataFrame([*quarantine], columns=[*QUARANTINE_COLUMNS])
        return Validated(good, aside, pd.DataFrame([*results], columns=[*RESULT_COLUMNS]))

    return make


@pytest.fixture(scope="session")
def load_prices(
    fetches: Callable[..., pd.DataFrame],
    validated: Callable[..., Validated],
    bars: Callable[..., pd.DataFrame],
    actions: Callable[..., pd.DataFrame],
) -> Callable[..., dict[str, MergeCounts]]:
    """Loads bars and actions in a batch and run of their own."""

    def load_both(
        settings: Settings, some_bars: pd.DataFrame | None, some_actions: pd.DataFrame | None = None
    ) -> dict[str, MergeCounts]:
        both = (
            (daily_price.CONTRACT, bars() if some_bars is None else some_bars),
            (corporate_action.CONTRACT, actions() if some_actions is None else some_actions),
        )
        pair = [(contract, validated(rows)) for contract, rows in both]
        with open_run("prices", settings) as run:
            return load.fn(LoadBatch(fetches(), pair), run)

    return load_both


@pytest.fixture(scope="session")
def query() -> Callable[..., list[tuple[Any, ...]]]:
    """The rows of a query, asked as the owner, who sees all."""

    def ask(settings: Settings, text: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with connect(settings, "owner") as connection:
            return connection.execute(text, parameters).fetchall()

    return ask
