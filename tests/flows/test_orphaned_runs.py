"""Killed or overlapping runs load the same rows as one undisturbed run."""

import random
import time
from typing import Any

import pytest

from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay

# an undisturbed run takes five to ten seconds, one that finds most of its work done three,
# and one of three tickers little more than one
LONGEST_LIFE_SECONDS = {"daily": 2.5, "prices": 0.7}
MORE_TRIES = 6
TICKERS = ["IWM", "SPY", "QQQ"]
NEWEST = "select coalesce(max(run_id), 0) from audit.run"
RUNNING = "select run_id from audit.run where state = 'running'"


def kill_often(
    replay: Replay, times: int, seed: int, flow_name: str = "daily", **parameters: Any
) -> set[int]:
    """Starts runs, kills each a drawn time after it began to work, and returns the orphans.

    A run may be killed between two of its flows; there are more tries until one is orphaned.
    """
    draw = random.Random(seed)
    orphans: set[int] = set()
    tries = 0
    while tries < times or (not orphans and tries < times + MORE_TRIES):
        tries += 1
        before = replay.column(NEWEST)
        flow = replay.start(flow_name, **parameters)
        while flow.process.is_alive() and replay.column(NEWEST) == before:
            time.sleep(0.02)
        time.sleep(draw.uniform(0, LONGEST_LIFE_SECONDS[flow_name]))
        end = flow.kill()
        assert end.state in ("Killed", "Completed"), end.output
        orphans |= {*replay.column(RUNNING)}
    return orphans


def check(
    replay: Replay,
    undisturbed: Replay,
    orphans: set[int],
    flow_name: str = "daily",
    **parameters: Any,
) -> None:
    """One complete run loads the rest after killed ones, and marks them as crashed."""
    end = replay.run(flow_name, **parameters)
    assert end.state == "Completed", end.output
    assert replay.checksums() == undisturbed.checksums()
    states = dict(replay.rows("select state, count(*) from audit.run group by state"))
    assert "running" not in states
    crashed = {*replay.column("select run_id from audit.run where state = 'crashed'")}
    # the server may still have committed the end of one
    assert crashed
    assert crashed <= orphans
    aside = (
        "select table_name, key::text, rule, row::text from audit.quarantine order by 1, 2, 3, 4"
    )
    assert replay.rows(aside) == undisturbed.rows(aside)
    assert replay.column("select count(*) from history.daily_price") == [0]
    for table in ("corporate_action", "macro_observation", "rotation_metrics"):
        assert replay.column(f"select count(*) from history.{table}") == [0]


def test_a_run_of_prices_killed_again_and_again_loses_and_doubles_nothing(
    start_replay: MakeReplay,
) -> None:
    undisturbed, replay = start_replay(), start_replay()
    prices: dict[str, Any] = {"flow_name": "prices", "tickers": TICKERS}
    assert undisturbed.run("prices", tickers=TICKERS).state == "Completed"
    check(replay, undisturbed, kill_often(replay, times=2, seed=20260213, **prices), **prices)


@pytest.mark.slow
def test_a_run_killed_again_and_again_loses_and_doubles_nothing(
    replay: Replay, completed_daily_run: Replay
) -> None:
    check(replay, completed_daily_run, kill_often(replay, times=2, seed=20260213))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_dozens_of_deaths_in_fresh_warehouses(
    start_replay: MakeReplay, completed_daily_run: Replay
) -> None:
    for seed in range(6):
        replay = start_replay()
        check(replay, completed_daily_run, kill_often(replay, times=8, seed=seed))


@pytest.mark.slow
def test_two_runs_at_once_do_not_get_in_each_others_way(
    replay: Replay, completed_daily_run: Replay
) -> None:
    flows = [replay.start("daily"), replay.start("daily")]
    for flow in flows:
        end = flow.wait()
        assert end.state == "Completed", end.output
    assert replay.checksums() == completed_daily_run.checksums()
    aside = "select table_name, key::text, rule from audit.quarantine order by 1, 2, 3"
    assert replay.rows(aside) == completed_daily_run.rows(aside)
    doubled = "select first_ticker from core.instrument group by 1 having count(*) > 1"
    assert replay.rows(doubled) == []
    for table in ("daily_price", "corporate_action", "macro_observation", "rotation_metrics"):
        assert replay.column(f"select count(*) from history.{table}") == [0]
    # each row was new to one of the two
    new = dict(replay.rows("select table_name, sum(rows_new)::int from audit.load group by 1"))
    assert new["core.daily_price"] == replay.column("select count(*) from core.daily_price")[0]
