"""Merges that meet, that are given up, that are killed, and any sequence of them."""

import pickle
import subprocess
import sys
import threading
import time
from itertools import count

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from expectations.tables import daily_price, index_membership
from warehouse.connect.connections import adbc_connection, connect
from warehouse.merge.counts import MergeCounts
from warehouse.merge.merge import lock_tables, merge

PRICES, MEMBERS = daily_price.CONTRACT, index_membership.CONTRACT
# in this database: the server holds Prefect's, too
WAITING = """
select count(*) from pg_locks join pg_stat_activity using (pid)
where not granted and datname = current_database()
"""
HELD = "select ticker, session_date::text, close from published.daily_price order by 1, 2"
EVERYTHING = """
select count(*) from (
    select loaded_at from core.daily_price union all select loaded_at from core.instrument
    union all select valid_from from core.ticker union all select loaded_at from history.daily_price
    union all select loaded_at from audit.load union all select from_date from audit.change
) as rows
"""
# merges, says so, and waits to be killed before it would commit
DOOMED = """
import pickle, sys
from expectations.tables.daily_price import CONTRACT
from warehouse.connect.connections import adbc_connection
from warehouse.merge.merge import lock_tables, merge
settings, frame, run_id = pickle.load(sys.stdin.buffer)
with adbc_connection(settings) as connection:
    merge(connection, CONTRACT, frame, run_id, lock_tables(connection, [CONTRACT]))
    print("merged", flush=True)
    sys.stdin.buffer.read()
    connection.commit()
"""


def wait_until_one_waits(settings):
    """Returns when another session waits for the lock that this one holds."""
    with connect(settings, "owner") as connection:
        connection.autocommit = True
        while connection.execute(WAITING).fetchone() == (0,):
            time.sleep(0.01)


def test_two_merges_into_one_table_take_turns(settings, bars, new_run, merged, query):
    run_id = new_run(settings)
    second = []
    frame = bars(("AAA", "2024-01-02", 10.0), ("AAA", "2024-01-03", 11.0))
    later = bars(("AAA", "2024-01-03", 12.0), ("BBB", "2024-01-03", 5.0))
    with adbc_connection(settings) as connection:
        merge(connection, PRICES, frame, run_id, lock_tables(connection, [PRICES]))
        thread = threading.Thread(target=lambda: second.append(merged(settings, PRICES, later)))
        thread.start()
        wait_until_one_waits(settings)
        assert second == []
        connection.commit()
    thread.join()
    assert second == [MergeCounts(new=1, changed=1)]
    assert query(settings, HELD) == [
        ("AAA", "2024-01-02", 10.0),
        ("AAA", "2024-01-03", 12.0),
        ("BBB", "2024-01-03", 5.0),
    ]
    in_order = "select loaded_at < superseded_at, superseded_by from history.daily_price"
    assert query(settings, in_order) == [(True, 2)]


def test_two_tables_that_meet_a_new_ticker_agree_on_it(
    settings, bars, members, new_run, merged, query
):
    run_id = new_run(settings)
    second = []
    listed = members(("AAA", "2024-01-03", 100.0))
    with adbc_connection(settings) as connection:
        loaded_at = lock_tables(connection, [PRICES])
        merge(connection, PRICES, bars(("AAA", "2024-01-02", 10.0)), run_id, loaded_at)
        thread = threading.Thread(target=lambda: second.append(merged(settings, MEMBERS, listed)))
        thread.start()
        wait_until_one_waits(settings)
        connection.commit()
    thread.join()
    assert second == [MergeCounts(new=1)]
    assert query(settings, "select count(*), count(distinct instrument_id) from core.ticker") == [
        (1, 1)
    ]


@pytest.mark.parametrize("ending", ["rollback", "close"])
def test_merge_without_a_commit_leaves_nothing(settings, bars, new_run, query, ending):
    run_id = new_run(settings)
    with adbc_connection(settings) as connection:
        loaded_at = lock_tables(connection, [PRICES])
        merge(connection, PRICES, bars(("AAA", "2024-01-02", 10.0)), run_id, loaded_at)
        if ending == "rollback":
            connection.rollback()
    assert query(settings, EVERYTHING) == [(0,)]


def test_killed_process_leaves_nothing_and_nothing_locked(settings, bars, new_run, merged, query):
    frame = bars(("AAA", "2024-01-02", 10.0), ("AAA", "2024-01-03", 11.0))
    command = [sys.executable, "-c", DOOMED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(pickle.dumps((settings, frame, new_run(settings))))
        process.stdin.flush()
        assert process.stdout.readline() == b"merged\n"
        assert query(settings, EVERYTHING) == [(0,)]
        process.kill()
    assert query(settings, EVERYTHING) == [(0,)]
    assert merged(settings, PRICES, frame) == MergeCounts(new=2)


EXAMPLES = count()
closes = st.sampled_from([10.0, 20.0, 30.0])
batches = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from("AB"), st.sampled_from(["2024-01-02", "2024-01-03"])),
        closes,
        min_size=1,
    ),
    min_size=1,
    max_size=4,
)


@given(batches=batches)
@hypothesis_settings(
    max_examples=10,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_past_state_can_be_asked_again(
    settings,
    bars,
    merged,
    query,
    batches,
):
    prefix = f"E{next(EXAMPLES)}"
    name = {letter: f"{prefix}.{letter}" for letter in "AB"}
    state, states = {}, []
    for batch in batches:
        frame = bars(*((name[ticker], day, close) for (ticker, day), close in batch.items()))
        counts = merged(settings, PRICES, frame)
        assert counts == MergeCounts(
            new=sum(key not in state for key in batch),
            changed=sum(key in state and state[key] != close for key, close in batch.items()),
            same=sum(state.get(key) == close for key, close in batch.items()),
        )
        # twice is once
        assert merged(settings, PRICES, frame) == MergeCounts(same=len(batch))
        state |= batch
        states.append((query(settings, "select clock_timestamp()")[0][0], dict(state)))
    for loaded_at, expected in states:
        found = query(
            settings,
            "select ticker, session_date::text, close from as_of.daily_price(%s)"
            " where ticker like %s",
            (loaded_at, f"{prefix}.%"),
        )
        assert {(ticker[-1], day): close for ticker, day, close in found} == expected
        assert len(found) == len(expected)
    current = query(settings, HELD)
    assert [row for row in current if row[0].startswith(f"{prefix}.")] == sorted(
        (name[ticker], day, close) for (ticker, day), close in state.items()
    )
