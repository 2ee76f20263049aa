"""Runs killed at chosen places, between two statements: nothing is half there, the next goes on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.flows.conftest import MakeReplay
from tests.flows.replay import FlowProcess, Replay
from warehouse.connect.dsn import database_name
from warehouse.server.embedded import EmbeddedServer

# What the flow is held up at, in the order in which one daily run meets them. A lock of the test's
# own is on the table: the run waits there until it is killed.
POINTS = (
    ("holdings", "audit.run", "before there is a run"),
    ("holdings", "audit.batch", "between the run's begin and its first batch"),
    ("holdings", "audit.load", "between the rows of a merge and their count"),
    ("holdings", "audit.change", "between a merge and the note of what it changed"),
    ("prices", "audit.validation", "between the quarantine and the first table"),
    ("prices", "audit.change", "between two tables of one batch"),
    ("prices", "derived.adjustment_factor", "between the splits and their factors"),
    ("macro", "audit.load", "between the rows of a merge and their count"),
    ("prices", "history.daily_price", "between the new rows of a merge and the changed one"),
    ("derived", "audit.load", "before a publication is counted"),
    ("derived", "audit.derivation", "before what was derived is known to follow"),
    ("derived", "derived.sector_breadth", "between two publications"),
)
# of a share that is of no pair; the vendor still has the former volume
REVISION = """
update core.daily_price set volume = 2 * volume + 1000000
where (instrument_id, session_date) = (
    select instrument_id, session_date from core.daily_price
    join core.index_membership using (instrument_id)
    where index_code = 'R2000' and volume > 0
    order by session_date desc, instrument_id limit 1
)
"""
WAITING = "select count(*) from pg_locks where not granted and relation = %s::regclass"


@contextmanager
def held_up(server: EmbeddedServer, replay: Replay, table: str) -> Iterator[psycopg.Connection]:
    """Nobody gets at the table meanwhile."""
    with psycopg.connect(server.dsn(database_name(replay.settings))) as connection:
        connection.execute(f"lock table {table} in access exclusive mode")
        yield connection
        connection.rollback()


def wait_until_it_waits(connection: psycopg.Connection, flow: FlowProcess, table: str) -> None:
    while connection.execute(WAITING, (table,)).fetchone() == (0,):
        assert flow.process.is_alive(), flow.wait().output
        time.sleep(0.01)


@pytest.mark.slow
def test_a_run_killed_at_each_point_leaves_nothing_half_done(
    replay: Replay, completed_daily_run: Replay, server: EmbeddedServer
) -> None:
    done = []
    for flow, table, place in POINTS:
        if flow not in done:
            # all that this one needs is there
            for before in done[-1:]:
                assert replay.run(before).state == "Completed"
            done.append(flow)
        if table == "history.daily_price":
            with psycopg.connect(server.dsn(database_name(replay.settings))) as connection:
                assert connection.execute(REVISION).rowcount == 1
        held = replay.checksums()
        with held_up(server, replay, table) as connection:
            process = replay.start(flow)
            wait_until_it_waits(connection, process, table)
            assert process.kill().state == "Killed"
        # tables that are published before the point
        published = ["index_concentration", "release_reaction", "rotation_metrics"]
        now = replay.checksums(without=published)
        if place != "between two publications":
            assert now == {name: held[name] for name in now}, place
    end = replay.run("daily")
    assert end.state == "Completed", end.output
    assert replay.checksums() == completed_daily_run.checksums()
    states = dict(replay.rows("select state, count(*) from audit.run group by state"))
    # the one that was killed before there was a run left none
    assert states == {"crashed": len(POINTS) - 1, "completed": 3 + 5}
    aside = "select table_name, key::text, rule, row::text from audit.quarantine order by 1,2,3,4"
    assert replay.rows(aside) == completed_daily_run.rows(aside)
    for table in ("corporate_action", "macro_observation", "rotation_metrics"):
        assert replay.column(f"select count(*) from history.{table}") == [0]
    assert replay.column("select count(*) from history.daily_price") == [1]


@pytest.mark.slow
@pytest.mark.parametrize("table", ["history.daily_price", "derived.adjustment_factor"])
def test_a_run_with_a_connection_cut_there_continues(
    start_replay: MakeReplay, server: EmbeddedServer, table: str
) -> None:
    tickers = ["IWM", "SPY", "QQQ"]
    undisturbed, replay = start_replay(), start_replay()
    assert undisturbed.run("prices", tickers=tickers).state == "Completed"
    with held_up(server, replay, table) as connection:
        process = replay.start("prices", tickers=tickers)
        wait_until_it_waits(connection, process, table)
        cut = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = %s and pid <> pg_backend_pid() and backend_type = 'client backend'",
            (database_name(replay.settings),),
        ).fetchall()
        # that of the turn, and that of the batch
        assert len(cut) == 2
    end = process.wait()
    assert end.state == "Completed", end.output
    assert replay.checksums() == undisturbed.checksums()
    counted = "select table_name, rows_new, rows_changed, rows_same from audit.load order by 1"
    assert replay.rows(counted) == undisturbed.rows(counted)
    for table in ("audit.fetch", "audit.validation", "audit.quarantine", "audit.batch"):
        count = f"select count(*) from {table}"
        assert replay.column(count) == undisturbed.column(count)
