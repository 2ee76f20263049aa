"""Batches extracted while the ones before are loaded, as whole flows."""

import os
import signal
import time
from typing import Any

import pytest

from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from tests.flows.test_kill_points import held_up, wait_until_it_waits
from warehouse.server.embedded import EmbeddedServer

TICKERS = ["IWM", "QQQ", "SPY", "XLB", "XLC", "XLE", "XLF", "XLI"]
SMALL: dict[str, Any] = {
    "tickers": TICKERS,
    "env": {"ROTATION_YAHOO_BATCH_TICKERS": "2"},
}


def charts(replay: Replay) -> set[str]:
    """The tickers that were requested."""
    paths = [entry["path"] for entry in replay.sandbox.requests()]
    return {path.split("/chart/")[1].split("?")[0] for path in paths if "/chart/" in path}


@pytest.mark.slow
def test_small_batches_load_the_rows_of_one_batch(start_replay: MakeReplay) -> None:
    whole, parts = start_replay(), start_replay()
    assert whole.run("prices", tickers=TICKERS).state == "Completed"
    end = parts.run("prices", **SMALL)
    assert end.state == "Completed", end.output
    assert parts.checksums() == whole.checksums()
    for replay, count in ((whole, 1), (parts, 4)):
        assert replay.column("select count(*) from audit.batch") == [count]
        assert replay.column("select sum(rows) from audit.fetch") == whole.column(
            "select count(*) + (select count(*) from audit.quarantine) from core.daily_price"
        )
    assert parts.column("select item from audit.fetch order by fetch_id") == TICKERS


def test_cancelled_run_ends_while_a_load_waits(
    start_replay: MakeReplay, server: EmbeddedServer
) -> None:
    replay = start_replay()
    with held_up(server, replay, "history.daily_price") as connection:
        process = replay.start("prices", **SMALL)
        wait_until_it_waits(connection, process, "history.daily_price")
        # the second batch is extracted meanwhile
        while not charts(replay) >= set(TICKERS[:4]):
            assert process.process.is_alive(), process.wait().output
            time.sleep(0.05)
        assert process.process.pid is not None
        os.kill(process.process.pid, signal.SIGTERM)
        end = process.wait(60)
    assert charts(replay) == set(TICKERS[:4]), "never more than one batch ahead"
    assert replay.column("select state from audit.run") == ["cancelled"], end.output
    assert replay.column("select count(*) from audit.fetch") == [0]
    assert replay.run("prices", **SMALL).state == "Completed"
