"""A small market of three funds, and the derivation as a flow runs it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from prefect.logging import disable_run_logger

from tasks.derive.incremental.derived_table import derive_table
from tasks.derive.rotation import rotation_metrics
from tasks.load.publish import publish
from tasks.run.context import open_run
from tests.tasks.derive.pipeline import House
from warehouse.settings import Settings

SESSIONS = 300
FUNDS = ("IWM", "SPY", "QQQ")


@dataclass(frozen=True)
class Market:
    """Bars and actions as traded, on the days of a made-up calendar."""

    days: list[date]
    bars: pd.DataFrame
    actions: pd.DataFrame


@pytest.fixture(scope="session")
def market(bars: Callable[..., pd.DataFrame], actions: Callable[..., pd.DataFrame]) -> Market:
    """Random walks with holes, dividends in and beside the holes, and two splits."""
    random = np.random.default_rng(7)
    days = [date(2023, 1, 2) + timedelta(days=n) for n in range(SESSIONS)]
    rows, acts = [], []
    for place, fund in enumerate(FUNDS):
        closes = 100 * np.exp(np.cumsum(random.normal(0, 0.01, SESSIONS)))
        is_there = random.random(SESSIONS) > 0.04
        is_there[[0, -1]], is_there[200] = True, False
        if fund != "QQQ":
            ratio, at = ((2.0, 180), (0.5, 270))[place]
            closes[at:] /= ratio
            acts.append((fund, days[at], "split", ratio))
            acts.append((fund, days[at], "dividend", 0.4))
        for at in (1, 60, 120, 200, 240, 295):
            acts.append((fund, days[at], "dividend", 0.5 + place / 10))
        rows += [
            (fund, days[n], round(closes[n], 4), 1000 + n) for n in range(SESSIONS) if is_there[n]
        ]
    return Market(days, bars(*rows), actions(*acts))


@pytest.fixture(scope="session")
def alone() -> Callable[[], AbstractContextManager[None]]:
    """Runs tasks outside a flow, without a Prefect server."""

    @contextmanager
    def without_server() -> Iterator[None]:
        with disable_run_logger():
            yield

    return without_server


@pytest.fixture(scope="session")
def follow(alone: Callable[[], AbstractContextManager[None]]) -> Callable[[Settings], bool]:
    """Derives and publishes in a run of its own; says whether anything was published."""

    def derive_and_publish(settings: Settings) -> bool:
        with alone(), open_run("derived", settings) as run:
            derived = derive_table.fn(rotation_metrics.TABLE, settings)
            return derived is not None and publish.fn(derived, run)

    return derive_and_publish


@pytest.fixture
def house(settings: Settings) -> House:
    """A warehouse of the test's own, and hands to load and derive with."""
    return House(settings)
