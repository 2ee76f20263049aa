"""Runs that are hit at drawn times by drawn blows, until nothing is left to hit.

`make chaos` injects hundreds; ROTATION_TEST_FAULTS and ROTATION_TEST_SEED set number and seed.
"""

import os
import random
import time

import pytest

from tests.flows.chaos import FaultInjector
from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay
from warehouse.server.embedded import EmbeddedServer

FAULTS = int(os.environ.get("ROTATION_TEST_FAULTS", "24"))
SEED = int(os.environ.get("ROTATION_TEST_SEED", "20260213"))
FAULTS_PER_WAREHOUSE = 8
# an completed_daily_run run takes five to ten seconds
LONGEST_LIFE_SECONDS = 7.0
TABLES = ("daily_price", "corporate_action", "macro_observation", "index_membership")
# by what each run did: rows are new once, however often a run was retried
NEW = "select table_name, sum(rows_new)::int from audit.load group by 1"
# all that a batch writes has the batch's own row beside it
ORPHANS = """
select count(*) from (
    select run_id from audit.load union select run_id from audit.fetch
    except select run_id from audit.batch
) as without
"""


def batter(replay: Replay, world: FaultInjector, draw: random.Random, blows: int) -> list[str]:
    """Starts daily runs and injects a fault into each; returns the faults and final states."""
    dealt = []
    for _ in range(blows):
        name = draw.choice([*world.blows])
        # several batches, so that faults fall between them, too
        flow = replay.start("daily", has_report=True, env={"ROTATION_YAHOO_BATCH_TICKERS": "25"})
        time.sleep(draw.uniform(0.3, LONGEST_LIFE_SECONDS))
        world.blows[name](replay, flow, draw)
        end = flow.wait()
        world.restore()
        dealt.append(f"{name}: {end.state}")
    return dealt


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", range(SEED, SEED + -(-FAULTS // FAULTS_PER_WAREHOUSE)))
def test_the_last_run_repairs_all_faults_of_the_runs_before(
    start_replay: MakeReplay,
    completed_daily_run: Replay,
    server: EmbeddedServer,
    prefect_server: dict[str, str],
    seed: int,
) -> None:
    world = FaultInjector(server, prefect_server)
    replay = start_replay()
    dealt = batter(replay, world, random.Random(seed), FAULTS_PER_WAREHOUSE)
    print(f"seed {seed}: " + "; ".join(dealt))
    end = replay.run("daily", has_report=True)
    assert end.state == "Completed", end.output
    assert replay.checksums() == completed_daily_run.checksums()
    assert replay.column("select count(*) from audit.run where state = 'running'") == [0]
    new = dict(replay.rows(NEW))
    for table in TABLES:
        assert new[f"core.{table}"] == replay.column(f"select count(*) from core.{table}")[0]
        assert replay.column(f"select count(*) from history.{table}") == [0]
    assert replay.column(ORPHANS) == [0]
    aside = "select table_name, key::text, rule, row::text from audit.quarantine order by 1,2,3,4"
    assert replay.rows(aside) == completed_daily_run.rows(aside)
