"""Rows of audit.run: states and details of runs, however they end."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from prefect.exceptions import TerminationSignal
from prefect.states import StateType

from tasks.run.context import OriginMismatch, open_run
from tasks.run.totals import RunTotals

RUNS = "select flow, state, detail, ended_at is not null from audit.run order by run_id"
# in this database: the server holds Prefect's, too
WAITING = """
select count(*) from pg_locks join pg_stat_activity using (pid)
where not granted and datname = current_database()
"""
# a run in a process that is killed
DOOMED = """
import os, pickle, signal, sys
from tasks.run.context import open_run
with open_run("prices", pickle.load(sys.stdin.buffer)):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_run_that_loads_everything_is_completed(settings, fetches, query):
    with open_run("prices", settings) as run:
        assert query(settings, RUNS) == [("prices", "running", None, False)]
        run.count("daily_price", new=1_200, same=3)
        run.count("daily_price", new=34)
        run.record_fetches(fetches(("AAA", "loaded"), ("BBB", "empty"), ("CCC", "not_found")))
    summary = "daily_price: 1,234 new, 3 unchanged\n1 empty: BBB\n1 not_found: CCC"
    assert query(settings, RUNS) == [("prices", "completed", summary, True)]
    assert (run.to_prefect_state().name, run.to_prefect_state().message) == ("Completed", summary)


def test_broken_rules_are_logged_once_per_rule_at_the_end(settings, caplog):
    columns = ["table_name", "rule", "action", "success", "unexpected", "detail"]
    rows = [
        ("company_fact", "amount_negative", "warn", False, 70, "7 Debt, 8 Debt and 68 more"),
        ("company_fact", "filed_in_future", "quarantine", True, 0, ""),
    ]
    with open_run("filings", settings) as run:
        for _ in range(2):
            batch = RunTotals()
            batch.record_rule_results(pd.DataFrame(rows, columns=columns))
            run.add(batch)
        assert caplog.messages == []
    line = "company_fact: 140 rows break amount_negative (warn), for example 7 Debt"
    assert caplog.messages == [line]
    assert run.final_state()[0] == "completed"


def test_run_without_work_says_so(settings, query):
    with open_run("derived", settings):
        pass
    assert query(settings, RUNS) == [("derived", "completed", "No work to do.", True)]


@pytest.mark.parametrize("status", ["throttled", "outage", "refused"])
def test_run_that_a_provider_failed_is_degraded(settings, fetches, query, status):
    with open_run("prices", settings) as run:
        run.count("daily_price", new=1)
        run.record_fetches(fetches(("AAA", "loaded")))
        run.record_fetches(fetches(*((f"T{n:02}", status) for n in range(10))))
    items = ", ".join(f"T{n:02}" for n in range(8))
    summary = f"daily_price: 1 new\n10 {status}: {items} and 2 more"
    assert query(settings, RUNS) == [("prices", "degraded", summary, True)]
    state = run.to_prefect_state()
    # the flow still counts as done: what could be loaded was
    assert (state.type, state.name, state.message) == (StateType.COMPLETED, "Degraded", summary)


@pytest.mark.parametrize("status", ["empty", "not_found", "delisted"])
def test_items_unknown_to_a_provider_do_not_degrade_the_run(fetches, status):
    run = RunTotals()
    run.record_fetches(fetches(("AAA", status)))
    assert run.degraded_reasons() == []
    assert run.summary() == f"1 {status}: AAA"


def test_refused_batch_degrades_the_run(settings, query):
    with open_run("prices", settings) as run:
        run.count("daily_price", new=1)
        run.answered_count = 2
        run.validation_failures.append("core.daily_price: validation failed: a rule")
    detail = f"daily_price: 1 new\n{run.validation_failures[0]}"
    assert query(settings, RUNS) == [("prices", "degraded", detail, True)]
    assert run.to_prefect_state().name == "Degraded"


def test_run_without_any_reply_has_failed(settings, fetches, query):
    with open_run("prices", settings) as run:
        run.record_fetches(fetches(("AAA", "outage"), ("BBB", "throttled")))
        run.count("daily_price", new=0, same=0)
    summary = run.summary()
    assert "1 outage: AAA\n1 throttled: BBB" in summary
    assert query(settings, RUNS) == [("prices", "failed", summary, True)]
    state = run.to_prefect_state()
    assert (state.type, state.name, state.message) == (StateType.FAILED, "Failed", summary)


def test_run_whose_every_batch_was_refused_has_failed(settings, fetches, query):
    with open_run("macro", settings) as run:
        run.record_fetches(fetches(("AAA", "loaded")))
        run.validation_failures.append("core.macro_observation: validation failed: a rule")
    assert query(settings, RUNS)[0][1] == "failed"
    assert run.to_prefect_state().type == StateType.FAILED


def test_run_with_an_empty_reply_has_not_failed(settings, fetches, query):
    with open_run("prices", settings) as run:
        run.record_fetches(fetches(("AAA", "outage"), ("BBB", "empty")))
    assert query(settings, RUNS)[0][1] == "degraded"


def test_failed_run_stores_the_class_of_the_error_and_not_its_message(settings, query):
    with pytest.raises(ValueError, match="token=abc"), open_run("macro", settings):
        raise ValueError("GET https://example.com/?token=abc failed")
    assert query(settings, RUNS) == [("macro", "failed", "ValueError", True)]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), TerminationSignal(signal.SIGTERM)])
def test_run_ended_by_a_signal_is_cancelled(settings, query, end):
    with pytest.raises(type(end)), open_run("macro", settings):
        raise end
    assert query(settings, RUNS) == [
        ("macro", "cancelled", "cancelled by signal between batches", True)
    ]


def test_run_stores_its_host_and_process(settings, query):
    with open_run("prices", settings):
        said = query(settings, "select process, flow_run_id, ended_at from audit.run")
    assert said == [(f"{os.uname().nodename}:{os.getpid()}", None, None)]


def test_killed_run_is_marked_by_the_next_one(settings, query):
    done = subprocess.run([sys.executable, "-c", DOOMED], input=pickle.dumps(settings))
    assert done.returncode == -9
    assert query(settings, RUNS) == [("prices", "running", None, False)]
    with open_run("macro", settings):
        assert query(settings, RUNS) == [
            ("prices", "crashed", None, True),
            ("macro", "running", None, False),
        ]


def test_runs_of_one_flow_exclude_each_other_and_others_go_on(settings, query):
    ended = []

    def second():
        with open_run("prices", settings):
            ended.append(query(settings, RUNS)[0][1])

    thread = threading.Thread(target=second)
    with open_run("prices", settings):
        thread.start()
        while query(settings, WAITING) == [(0,)]:
            time.sleep(0.01)
        with open_run("macro", settings):
            assert [row[0] for row in query(settings, RUNS)] == ["prices", "macro"]
    thread.join()
    # the second began when the first had ended
    assert ended == ["completed"]
    assert [row[:2] for row in query(settings, RUNS)] == [
        ("prices", "completed"),
        ("macro", "completed"),
        ("prices", "completed"),
    ]


def test_runs_of_one_provider_exclude_each_other_across_flows(settings, query):
    """A waiting run gets in between two chunks of a backfill."""
    threads, order = [], []

    def scheduled():
        with open_run("prices", settings, provider="yahoo"):
            order.append("prices")

    for chunk in range(2):
        with open_run("backfill", settings, provider="yahoo"):
            order.append(f"chunk {chunk}")
            if not threads:
                threads.append(threading.Thread(target=scheduled))
                threads[0].start()
                while query(settings, WAITING) == [(0,)]:
                    time.sleep(0.01)
    threads[0].join()
    assert order == ["chunk 0", "prices", "chunk 1"]


def test_a_run_stores_its_logical_time(settings, query):
    settings = settings.model_copy(update={"clock": "2024-06-07T22:00:00+00:00"})
    with open_run("prices", settings) as run:
        pass
    assert run.now.isoformat() == "2024-06-07T22:00:00+00:00"
    assert query(settings, "select clock_at from audit.run") == [(run.now,)]


def test_data_of_another_environment_is_refused(settings, query):
    with open_run("prices", settings):
        pass
    other = settings.model_copy(update={"origin": settings.origin.replace("-", ".")})
    with pytest.raises(OriginMismatch) as refused, open_run("prices", other):
        pytest.fail("the run went on")
    for word in (settings.origin, other.origin, "ROTATION_HOME", "DATABASE_URL"):
        assert word in str(refused.value)
    assert len(query(settings, RUNS)) == 1
    assert query(settings, "select origin from audit.origin") == [(settings.origin,)]
