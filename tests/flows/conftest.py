"""One Prefect server for all flow tests; most have a warehouse and a sandbox of their own."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from deployments.sandbox.client import Sandbox
from deployments.sandbox.market import simulate
from deployments.stack.prefect_server import start_server, stop_server
from tests.flows.filings import make_tape
from tests.flows.replay import PROCESSES, Replay, environment_of
from tests.flows.tapes import CLOCK, Tape, thin_out
from tests.warehouses import create_warehouse
from warehouse.server.embedded import EmbeddedServer
from warehouse.server.local import free_port
from warehouse.settings import Settings

MakeReplay = Callable[..., Replay]


@pytest.fixture(scope="session")
def prefect_server(server: EmbeddedServer) -> Iterator[dict[str, str]]:
    """The environment in which flows reach the Prefect server."""
    settings = Settings(home=server.home)
    with pytest.MonkeyPatch.context() as patch:
        # 4200 is every stack's first choice: those of the other test processes' too
        patch.setattr("deployments.stack.prefect_server.free_port", lambda preferred: free_port())
        environment = start_server(settings)
    # the server that flows are forked from imports Prefect, which reads its settings then
    kept = os.environ.copy()
    os.environ.update(environment | {"OPENBLAS_NUM_THREADS": "1"})
    try:
        ready = PROCESSES.Process(target=int)
        ready.start()
        ready.join()
    finally:
        os.environ.clear()
        os.environ.update(kept)
    yield environment
    stop_server(settings)


@pytest.fixture(scope="session")
def whole_market(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """The smallest simulated market: a year and 28 companies."""
    folder = tmp_path_factory.mktemp("tapes") / "whole-market"
    simulate(folder, seed=7, small=20, large=8, years=1)
    return Tape(folder)


@pytest.fixture(scope="session")
def market(whole_market: Tape, tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """The same market with seven macro series.

    In its last days a split, a dividend, a release of prices that revises five years, and bars
    that the vendor corrects.
    """
    folder = tmp_path_factory.mktemp("tapes") / "market"
    shutil.copytree(whole_market.folder, folder)
    thin_out(folder)
    return Tape(folder)


@pytest.fixture(scope="session")
def start_replay(
    server: EmbeddedServer,
    template: str,
    prefect_server: dict[str, str],
    market: Tape,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MakeReplay]:
    """Makes replays that stay until the session ends; their databases go with the server.

    A warehouse is empty, or a copy of a filled one.
    """
    sandboxes: list[Sandbox] = []
    with ExitStack() as ends:

        def start(
            tape: Path = market.folder, clock: str = CLOCK, filled: Replay | None = None
        ) -> Replay:
            settings = create_warehouse(server, template, filled.settings if filled else None)
            folder = tmp_path_factory.mktemp("replay")
            ends.callback(shutil.rmtree, folder)
            sandbox = Sandbox.start(tape, folder / "sandbox", clock)
            sandboxes.append(sandbox)
            (folder / "logs").mkdir()
            environment = prefect_server | environment_of(sandbox, settings)
            return Replay(settings, sandbox, environment, folder / "logs")

        yield start
        with ThreadPoolExecutor() as pool:
            list(pool.map(Sandbox.stop, sandboxes))


@pytest.fixture(scope="session")
def completed_daily_run(start_replay: MakeReplay) -> Replay:
    """The market after an undisturbed daily run at its clock. Only to look at, or to copy."""
    replay = start_replay()
    end = replay.run("daily", has_report=True)
    assert end.state == "Completed", end.output
    return replay


@pytest.fixture
def replay(start_replay: MakeReplay) -> Replay:
    """A warehouse without facts, and the market at its clock."""
    return start_replay()


@pytest.fixture
def filings_tape(tmp_path: Path) -> Path:
    """A tape of twelve companies that file with the SEC; a test may change it."""
    return make_tape(tmp_path / "tape")
