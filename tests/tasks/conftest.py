"""Batches and runs, without the sources."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pandas as pd
import pytest

from expectations.contract import Contract
from expectations.tables import corporate_action, daily_price
from tasks.load.load import load
from tasks.run.context import RunContext, open_run
from tasks.validate.report import QUARANTINE_COLUMNS, RESULT_COLUMNS
from tasks.validate.validate import Checked
from warehouse.connect.connections import connect
from warehouse.merge.counts import MergeCounts
from warehouse.settings import Settings

INSTANT = datetime(2024, 6, 7, 22, tzinfo=UTC)


@pytest.fixture
def new_run() -> Iterator[Callable[[Settings], RunContext]]:
    """Opens runs that end with the test."""
    number = count()
    with ExitStack() as stack:
        # runs of one flow exclude each other: each of these is of another
        yield lambda settings: stack.enter_context(open_run(f"test {next(number)}", settings))


@pytest.fixture(scope="session")
def fetches() -> Callable[..., pd.DataFrame]:
    """Makes rows of the fetch log from `(item, status)`."""

    def make(*rows: tuple[str, str]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=["item", "status"], dtype=object)
        frame["reason"] = frame["status"].mask(frame["status"] == "loaded", None)
        return frame.assign(
            source="yahoo", dataset="daily_price", window_start=None, window_end=None,
            detail="a sentence", rows=1, attempts=1, started_at=INSTANT, finished_at=INSTANT,
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def checked() -> Callable[..., Checked]:
    """Makes validated rows of a table, with rows of the quarantine and of rule results."""

    def make(
        contract: Contract,
        valid_rows: pd.DataFrame,
        quarantine: tuple[tuple[str, ...], ...] = (),
        results: tuple[tuple[object, ...], ...] = (),
    ) -> Checked:
        return Checked(
            contract,
            valid_rows,
            pd.DataFrame([*quarantine], columns=[*QUARANTINE_COLUMNS]),
            pd.DataFrame([*results], columns=[*RESULT_COLUMNS]),
        )

    return make


@pytest.fixture(scope="session")
def load_prices(
    fetches: Callable[..., pd.DataFrame],
    checked: Callable[..., Checked],
    bars: Callable[..., pd.DataFrame],
    actions: Callable[..., pd.DataFrame],
) -> Callable[..., dict[str, MergeCounts]]:
    """Loads bars and actions in a batch and run of their own."""

    def load_both(
        settings: Settings, some_bars: pd.DataFrame | None, some_actions: pd.DataFrame | None = None
    ) -> dict[str, MergeCounts]:
        tables = (
            checked(daily_price.CONTRACT, bars() if some_bars is None else some_bars),
            checked(corporate_action.CONTRACT, actions() if some_actions is None else some_actions),
        )
        with open_run("prices", settings) as run:
            totals = load.fn(fetches(), tables, run.writer)
        return {
            table: MergeCounts(**{name: n for name, n in counts.items() if name != "quarantined"})
            for table, counts in totals.counts.items()
        }

    return load_both


@pytest.fixture(scope="session")
def query() -> Callable[..., list[tuple[Any, ...]]]:
    """The rows of a query, read as the owner, who sees all."""

    def ask(settings: Settings, text: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with connect(settings, "owner") as connection:
            return connection.execute(text, parameters).fetchall()

    return ask
