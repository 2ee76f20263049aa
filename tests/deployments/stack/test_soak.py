"""A month of trading days through the real server and worker: nothing that they hold grows.

`make soak` runs 30 days with faults and prints what was measured; ROTATION_TEST_DAYS sets another
number.
"""

import os
import random
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import psutil
import psycopg
import pytest

from deployments.sandbox.client import Sandbox
from deployments.stack import stack
from tests.deployments.conftest import Api, Home, wait
from warehouse.connect.connections import connect
from warehouse.connect.dsn import embedded_server

DAYS = int(os.environ.get("ROTATION_TEST_DAYS", "30"))
# caches of the client libraries, of the server and of PostgreSQL fill in the first days
WARM_UP_DAYS = max(2, DAYS // 5)
MAX_WAL_MB = 1024
FAULTS = (
    {"kind": "status", "host": "yahoo.com", "path": "/chart/", "status": 500, "count": 9},
    {"kind": "status", "host": "stlouisfed", "status": 429, "count": 3},
    {"kind": "truncate", "host": "ishares", "count": 1},
    {"kind": "reset", "host": "yahoo.com", "path": "/chart/", "count": 5},
)
DEAD_ROWS = """
select coalesce(sum(n_dead_tup), 0)::bigint, coalesce(sum(n_live_tup), 0)::bigint
from pg_stat_user_tables
"""


@dataclass(frozen=True)
class Held:
    """What the stack holds after a day's run.

    Attributes:
        day: The simulated day.
        state: Of the run.
        server_mb: Memory of the Prefect server.
        worker_mb: Memory of the worker.
        server_files: Open files and sockets of the Prefect server.
        worker_files: Those of the worker.
        processes: Processes of the state folder, PostgreSQL's own aside.
        connections: Client sessions of PostgreSQL.
        wal_mb: PostgreSQL's write-ahead log.
        dead_rows: Of all tables of the warehouse.
        rows: Live ones.
        runs_per_day: Flow runs in Prefect's database by the day's run.
    """

    day: str
    state: str
    server_mb: float
    worker_mb: float
    server_files: int
    worker_files: int
    processes: int
    connections: int
    wal_mb: float
    dead_rows: int
    rows: int
    runs_per_day: float


def measure(up: Home, api: Api, day: str, state: str, number: int) -> Held:
    services = stack.status(up.settings)
    server, worker = (
        psutil.Process(services[name]["pid"]) for name in ("prefect-server", "prefect-worker")
    )
    database = embedded_server(up.settings)
    with psycopg.connect(database.dsn(), autocommit=True) as admin:
        [(connections,)] = admin.execute(
            "select count(*) from pg_stat_activity where backend_type = 'client backend'"
            " and pid <> pg_backend_pid()"
        ).fetchall()
        [(wal,)] = admin.execute("select sum(size)::bigint from pg_ls_waldir()").fetchall()
    with connect(up.settings, "owner") as connection:
        [(dead, live)] = connection.execute(DEAD_ROWS).fetchall()
    runs = api.post("/flow_runs/count", {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}})
    return Held(
        day,
        state,
        server.memory_info().rss / 2**20,
        worker.memory_info().rss / 2**20,
        server.num_fds(),
        worker.num_fds(),
        len([each for each in up.processes() if "postgres:" not in each]),
        connections,
        wal / 2**20,
        dead,
        live,
        runs.json() / number,
    )


def sessions(tape: Path) -> list[str]:
    """The tape's last trading days."""
    days = pl.read_parquet(tape / "bars.parquet")["session_date"].unique().sort()
    return [f"{day}" for day in days.tail(DAYS)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_month_of_daily_runs_leaves_the_stack_as_it_was(api: Api, up: Home) -> None:
    sandbox = Sandbox.attach(stack.sandbox_home(up.settings))
    clock = sandbox.now()
    deployment = api.get("/deployments/name/daily/daily")["id"]
    draw = random.Random(30)
    held = []
    try:
        for number, day in enumerate(sessions(up.tape), 1):
            sandbox.set_clock(datetime.fromisoformat(f"{day}T23:30:00+00:00"))
            sandbox.clear_faults()
            sandbox.clear_requests()
            if number % 3 == 0:
                sandbox.add_fault(**draw.choice(FAULTS))
            run = api.post(f"/deployments/{deployment}/create_flow_run", {}).json()["id"]

            def end(run: str = run) -> str | None:
                state = api.get(f"/flow_runs/{run}")["state"]
                ended = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
                return state["name"] if state["type"] in ended else None

            state = wait(end, 600)
            # the run's own process and sessions end a moment after its state
            held.append(measure(up, api, day, state, number))
            print(held[-1], flush=True)
    finally:
        sandbox.clear_faults()
        sandbox.set_clock(clock)
    # a fault may leave a run without a dataset; the next day's makes up for it
    states = [each.state for each in held]
    assert {state for number, state in enumerate(states, 1) if number % 3} == {"Completed"}
    assert set(states) <= {"Completed", "Degraded", "Failed"}
    before, after = (asdict(held[place]) for place in (WARM_UP_DAYS, -1))
    for name, most in {
        "server_mb": 1.25,
        "worker_mb": 1.25,
        "server_files": 1.25,
        "worker_files": 1.25,
        "processes": 1.25,
        "connections": 1.5,
        "runs_per_day": 1.25,
    }.items():
        assert after[name] <= most * before[name] + 2, (name, before[name], after[name])
    # autovacuum keeps up with the rows that daily runs replace
    assert after["dead_rows"] < after["rows"] / 2
    # PostgreSQL keeps segments for reuse until a checkpoint, up to this limit
    assert after["wal_mb"] <= MAX_WAL_MB
