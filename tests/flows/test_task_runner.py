"""Companies derived on a real cluster of processes: the same rows as in one process, by hash."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import httpx
import polars as pl
import psutil
import pytest
from distributed import LocalCluster
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS,
    temporary_settings,
)

from tasks.derive.incremental.changes import ChangeSet
from tasks.derive.refinancing import company_refinancing, debt_maturity
from tasks.derive.refinancing.inputs_sql import ALL_COMPANIES
from tasks.run.task_runner import TaskRunnerError, map_shards, open_task_runner
from tests.flows.replay import Replay
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.settings import Settings


def where(number: int) -> tuple[int, int]:
    time.sleep(0.3)
    return number, os.getpid()


def die(number: int) -> int:
    os._exit(number)


def open_ports(pid: int) -> set[tuple[str, int]]:
    """The addresses on which a process and its children listen."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return {
        (each.laddr.ip, each.laddr.port)
        for process in processes
        for each in process.net_connections(kind="inet")
        if each.status == psutil.CONN_LISTEN
    }


def has_pages(address: tuple[str, int]) -> bool:
    """Whether an HTTP server has one of the pages of a Dask scheduler or worker."""
    for path in ("/", "/health", "/metrics", "/info/main/workers.html", "/statics/css/base.css"):
        # a port of another protocol has none
        with suppress(httpx.TransportError):
            reply = httpx.get(f"http://{address[0]}:{address[1]}{path}", timeout=5)
            if reply.status_code != 404:
                return True
    return False


@pytest.fixture
def open_cluster(
    prefect_server: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], object]:
    """Opens a task runner of two workers that report to the tests' Prefect server."""
    monkeypatch.setattr("tasks.derive.refinancing.read.COMPANY_SHARD_SIZE", 5)

    @contextmanager
    def cluster(name: str) -> Iterator[None]:
        settings = {
            PREFECT_API_URL: prefect_server["PREFECT_API_URL"],
            PREFECT_API_AUTH_STRING: prefect_server["PREFECT_API_AUTH_STRING"],
            PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS: 2,
        }
        with temporary_settings(settings), open_task_runner(Settings(task_runner=name)):
            yield

    return cluster


def derive(settings: Settings) -> dict[str, pl.DataFrame]:
    """The rows of all companies, from nothing but the core tables."""
    with adbc_connection(settings) as connection:
        ciks = arrow.read(connection, "select distinct cik from core.company_fact")["cik"]
        start = date(2000, 1, 1)
        subjects = {str(cik): start for cik in ciks}
        return {
            company_refinancing.TABLE.name: company_refinancing._derive(
                connection, ChangeSet({}, {}, {ALL_COMPANIES: start})
            ).rows,
            debt_maturity.TABLE.name: debt_maturity._derive(
                connection, ChangeSet({}, {}, subjects)
            ).rows,
        }


def hashes(rows: dict[str, pl.DataFrame]) -> dict[str, list[int]]:
    return {name: frame.hash_rows().to_list() for name, frame in rows.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["processes", "dask"])
def test_companies_have_the_same_rows_on_a_cluster(
    name: str, completed_daily_run: Replay, open_cluster: Callable[[str], object]
) -> None:
    here = derive(completed_daily_run.settings)
    assert min(frame.height for frame in here.values()) > 50
    before = open_ports(os.getpid())
    with open_cluster(name):
        workers = {pid for _, pid in map_shards(where, [(number,) for number in range(8)])}
        assert len(workers) == 2
        assert os.getpid() not in workers
        addresses = open_ports(os.getpid()) - before
        assert {ip for ip, _ in addresses} <= {"127.0.0.1"}
        assert not {*filter(has_pages, addresses)}
        assert hashes(derive(completed_daily_run.settings)) == hashes(here)
    assert not any(map(psutil.pid_exists, workers))


@pytest.mark.slow
def test_a_killed_flow_leaves_no_workers(prefect_server: dict[str, str], tmp_path: Path) -> None:
    code = """
import time
from tasks.run.task_runner import map_shards, open_task_runner
from tests.flows.test_task_runner import where
from warehouse.settings import Settings
if __name__ == "__main__":
    with open_task_runner(Settings(task_runner="processes")):
        pids = {pid for _, pid in map_shards(where, [(n,) for n in range(6)])}
        print(*pids, flush=True)
        time.sleep(600)
"""
    script = tmp_path / "flow.py"
    script.write_text(code)
    environment = os.environ | prefect_server | {"PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
    ) as flow:
        assert flow.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in flow.stdout.readline().split()]
        assert workers
        flow.kill()
        gone, alive = psutil.wait_procs(workers, timeout=60)
        assert len(gone) == len(workers), alive


@pytest.mark.slow
def test_a_cluster_that_all_workers_leave_ends_the_run(
    prefect_server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tasks.run.task_runner.NO_WORKER_SECONDS", 3)
    settings = {
        PREFECT_API_URL: prefect_server["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: prefect_server["PREFECT_API_AUTH_STRING"],
    }
    with (
        temporary_settings(settings),
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=tmp_path,
        ) as cluster,
        open_task_runner(Settings(task_runner="dask", dask_address=cluster.scheduler_address)),
    ):
        results = map_shards(where, [(number,) for number in range(8)])
        assert next(results)[0] == 0
        cluster.scale(0)
        with pytest.raises(TaskRunnerError, match="had no worker for 3 seconds"):
            list(results)


@pytest.mark.slow
def test_a_dead_worker_ends_the_run_with_a_reason(open_cluster: Callable[[str], object]) -> None:
    with (
        open_cluster("processes"),
        pytest.raises(TaskRunnerError, match="A worker died or was cut off while it ran die"),
    ):
        list(map_shards(die, [(9,), (9,)]))
