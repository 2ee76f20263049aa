"""Run locks, liveness, and runs that lost their connection."""

import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import psycopg
import pytest

from tasks.run.context import open_run
from tasks.run.lock import LIVENESS_LOCK_CLASS, RunLockLost, mark_crashed_runs
from warehouse.connect import arrow
from warehouse.connect.connections import connect
from warehouse.connect.dsn import warehouse_dsn

STATES = "select flow, state from audit.run order by run_id"
BATCHES = "select count(*) from audit.batch"
# the database session that holds a run's locks
HOLDER = f"""
select pid from pg_locks where locktype = 'advisory' and classid = {LIVENESS_LOCK_CLASS} and
objsubid = 2
"""
CUT = f"select pg_terminate_backend(pid, 60000) from ({HOLDER}) as holder"
# a run in a process of its own, which does one long bulk statement
LONG = """
import pickle, sys
from prefect.exceptions import TerminationSignal
from tasks.run.context import open_run
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
import signal
def end(number, frame):
    raise TerminationSignal(number)
signal.signal(signal.SIGTERM, end)
settings = pickle.load(sys.stdin.buffer)
with open_run("prices", settings), adbc_connection(settings) as connection:
    arrow.read(connection, "select 1 as one from pg_sleep(600)")
"""
SLEEPING = (
    "select pid from pg_stat_activity where query like '%pg\\_sleep(600)%' and state = 'active'"
)


@pytest.fixture
def admin(server, settings):
    """A database session that may terminate others."""
    dsn = server.dsn(psycopg.conninfo.conninfo_to_dict(warehouse_dsn(settings))["dbname"])
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def long_run(settings, admin):
    """A process in the middle of a long bulk statement."""
    with subprocess.Popen([sys.executable, "-c", LONG], stdin=subprocess.PIPE) as process:
        process.stdin.write(pickle.dumps(settings))
        process.stdin.close()
        try:
            while not admin.execute(SLEEPING).fetchall():
                assert process.poll() is None
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def test_a_run_without_a_liveness_lock_is_crashed(settings, query):
    # the process number does not matter: this process is alive, and on this machine
    insert = "insert into audit.run (flow, process) values ('prices', %s) returning run_id"
    for process in (f"{os.uname().nodename}:{os.getpid()}", "elsewhere:1"):
        query(settings, insert, (process,))
    with open_run("macro", settings):
        assert query(settings, STATES) == [
            ("prices", "crashed"),
            ("prices", "crashed"),
            ("macro", "running"),
        ]
        with connect(settings) as connection:
            assert mark_crashed_runs(connection) == 0


def test_a_run_in_another_process_is_alive_until_it_is_killed(settings, query, long_run):
    with connect(settings) as connection:
        assert mark_crashed_runs(connection) == 0
    long_run.kill()
    while query(settings, HOLDER):
        time.sleep(0.02)
    with connect(settings) as connection:
        assert mark_crashed_runs(connection) == 1
    assert query(settings, STATES) == [("prices", "crashed")]


def test_a_killed_process_leaves_no_statement_running(admin, long_run):
    long_run.kill()
    # the server looks each second whether the client is there
    while admin.execute(SLEEPING).fetchall():
        time.sleep(0.05)


def test_a_signal_ends_the_statement_and_the_run(settings, query, admin, long_run):
    long_run.send_signal(signal.SIGTERM)
    assert long_run.wait() != 0
    assert admin.execute(SLEEPING).fetchall() == []
    assert query(settings, STATES) == [("prices", "cancelled")]


def test_a_disconnected_run_reacquires_its_lock(settings, query, admin):
    with open_run("prices", settings) as run:
        admin.execute(CUT)
        with open_run("macro", settings):
            assert query(settings, STATES) == [("prices", "crashed"), ("macro", "running")]
        run.writer.commit_exactly_once(
            lambda connection: arrow.read(connection, "select 1 as one").height
        )
        assert query(settings, STATES)[0] == ("prices", "running")
        assert len(query(settings, HOLDER)) == 1
    assert query(settings, STATES)[0] == ("prices", "completed")


def test_a_disconnected_run_ends_if_another_run_has_begun(settings, query, admin, monkeypatch):
    monkeypatch.setattr("tasks.run.lock.REACQUIRE_TIMEOUT_SECONDS", 0.2)

    def meet():
        with ExitStack() as runs:
            first = runs.enter_context(open_run("prices", settings))
            admin.execute(CUT)
            runs.enter_context(open_run("prices", settings))
            first.writer.commit_exactly_once(lambda _: pytest.fail("it wrote"))

    with pytest.raises(RunLockLost, match="another run has begun"):
        meet()
    # both runs are open here and end with the same error
    assert query(settings, STATES) == [("prices", "failed"), ("prices", "failed")]
    assert "another run has begun" in query(settings, "select detail from audit.run")[0][0]
    assert query(settings, BATCHES) == [(0,)]


def test_a_run_marked_as_crashed_stops_writing(settings, query):

    def write_on():
        with open_run("prices", settings) as run:
            query(settings, "update audit.run set state = 'crashed' returning run_id")
            run.writer.commit_exactly_once(lambda _: pytest.fail("it wrote"))

    with pytest.raises(RunLockLost, match="marked as crashed"):
        write_on()
    assert query(settings, BATCHES) == [(0,)]


def test_no_run_is_marked_as_crashed_in_the_middle_of_a_batch(settings, query, admin):
    with open_run("prices", settings) as run:

        def work(connection):
            admin.execute(CUT)
            with connect(settings) as other:
                return mark_crashed_runs(other) + 1

        assert run.writer.commit_exactly_once(work) == 1
        assert query(settings, BATCHES) == [(1,)]
