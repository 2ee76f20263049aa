"""Run shards of a computation in this process, in processes of this machine, or on Dask.

A shard is a function of a module and its arguments: it reads no database and has no effects, so
that its result is the same wherever it runs. `ROTATION_TASK_RUNNER` says where.

Example:
    with open_task_runner(settings):
        frames = list(map_shards(rows_of_companies, [(facts, days), (more_facts, days)]))
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.settings import PREFECT_API_URL, PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner

import tasks
from warehouse.base_error import RotationError
from warehouse.settings import Settings
from warehouse.task_runner_settings import LOOPBACK

R = TypeVar("R")
# shards submitted before the first result is taken: enough for the workers, few enough for memory
SHARDS_PER_WORKER = 3

# classes of concurrent.futures and of distributed, which is imported only where it runs
WORKER_LOST = ("BrokenProcessPool", "KilledWorker", "FutureCancelledError")

_RUNNER: ContextVar["TaskRunner[Any] | None"] = ContextVar("task_runner", default=None)


class TaskRunnerError(RotationError):
    """Shards can't run where ROTATION_TASK_RUNNER says, or a worker died."""


@contextmanager
def open_task_runner(settings: Settings) -> Iterator[None]:
    """Let `map_shards` run where the settings say, until left.

    Processes and connections start with the first shard.

    Raises:
        TaskRunnerError: The runner is not installed, or its workers could not reach Prefect.
    """
    if not settings.task_runner:
        yield
        return
    with _make_runner(settings) as runner:
        token = _RUNNER.set(runner)
        try:
            yield
        finally:
            _RUNNER.reset(token)


def has_task_runner() -> bool:
    """Return whether shards run outside of this process."""
    return _RUNNER.get() is not None


def map_shards(function: Callable[..., R], shards: Iterable[tuple[Any, ...]]) -> Iterator[R]:
    """Apply a function to each shard's arguments and yield the results in order.

    A single shard runs in this process. Of more, a few are computed ahead of the result taken.

    Args:
        function: A pure function of a module.
        shards: The arguments of each call, picklable.

    Raises:
        TaskRunnerError: A worker has other code than this process, or died.
    """
    runner, rest = _RUNNER.get(), iter(shards)
    # one shard is not worth the start of a worker
    first = [] if runner is None else list(islice(rest, 2))
    if runner is None or len(first) < 2:
        yield from (function(*arguments) for arguments in chain(first, rest))
        return
    pending: deque[Any] = deque()

    def submit(arguments: tuple[Any, ...]) -> None:
        parameters = {
            "function": function,
            "arguments": _Opaque(arguments),
            "code": code_checksum(),
        }
        pending.append(runner.submit(run_shard, parameters))

    for arguments in (*first, *islice(rest, SHARDS_PER_WORKER * _worker_count(runner))):
        submit(arguments)
    while pending:
        try:
            result: R = pending.popleft().result()
        except RotationError:
            raise
        except Exception as error:
            if type(error).__name__ not in WORKER_LOST:
                raise
            raise TaskRunnerError(
                f"A worker died or was cut off while it ran {function.__name__}"
                f" ({type(error).__name__}); its machine may be out of memory. Nothing was stored."
                " Free memory, or unset ROTATION_TASK_RUNNER, and run the flow again."
            ) from error
        for arguments in islice(rest, 1):
            submit(arguments)
        yield result


class _Opaque:
    """Arguments that Prefect does not search for futures, value by value."""

    def __init__(self, arguments: Sequence[Any]) -> None:
        self.arguments = arguments


@task(name="run shard", task_run_name="{function.__name__}", cache_policy=NO_CACHE)
def run_shard(function: Callable[..., R], arguments: _Opaque, code: str) -> R:
    """Run one shard on a worker.

    Raises:
        TaskRunnerError: The worker has other code than the flow.
    """
    if code != code_checksum():
        raise TaskRunnerError(
            f"The worker {os.uname().nodename} has another version of the product than the flow, so"
            " its rows might differ. Install the same one on all workers and run the flow again."
        )
    return function(*arguments.arguments)


@cache
def code_checksum() -> str:
    """Return a checksum of the code and reference files that shards use."""
    root = Path(tasks.__path__[0]).parent
    digest = sha256()
    for folder in ("tasks", "expectations", "warehouse"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".py", ".csv"):
                digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _process_count() -> int:
    """Return the number of workers on this machine: Prefect's setting, else its cores."""
    return PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS.value() or os.cpu_count() or 1


def _worker_count(runner: TaskRunner[Any]) -> int:
    """Return the number of shards that run at a time."""
    if getattr(runner, "address", None):
        return sum(runner.client.nthreads().values())  # type: ignore[attr-defined]
    return _process_count()


def _make_runner(settings: Settings) -> TaskRunner[Any]:
    if settings.task_runner == "processes":
        return ProcessPoolTaskRunner(_process_count(), initializer=_end_with_parent)
    # its workers come and go at level INFO
    logging.getLogger("distributed").setLevel(logging.WARNING)
    try:
        # imported here: an optional package, and a second of import
        import dask
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise TaskRunnerError(
            "ROTATION_TASK_RUNNER is dask, and prefect-dask is not installed. Install the extra"
            " [dask] (docs/scale.md), or use processes."
        ) from error
    # a scheduler that imports the product on a busy machine has answered after 37 seconds, when
    # the default of 30 had cut the connection
    timeouts = dict.fromkeys(("connect", "tcp"), "300s")
    dask.config.set({f"distributed.comm.timeouts.{name}": each for name, each in timeouts.items()})
    if not settings.dask_address:
        return DaskTaskRunner(
            cluster_kwargs={
                "n_workers": _process_count(),
                "threads_per_worker": 1,
                "host": "127.0.0.1",
                # no server of pages beside the scheduler, and certificates of its own, so that no
                # other account of this machine can send programs
                "dashboard_address": None,
                "worker_dashboard_address": None,
                "security": True,
            }
        )
    _refuse_unreachable_api(settings.dask_address)
    return DaskTaskRunner(address=settings.dask_address)


def _refuse_unreachable_api(address: str) -> None:
    """Raise an error if workers on other machines would get an API URL of this machine.

    Each would start a Prefect server of its own, which takes half a minute and hides its runs.
    """
    url = PREFECT_API_URL.value() or ""
    if urlsplit(address).hostname in LOOPBACK or urlsplit(url).hostname not in (None, *LOOPBACK):
        return
    raise TaskRunnerError(
        f"The workers at {address} cannot reach Prefect at {url or 'an unset PREFECT_API_URL'}: set"
        " PREFECT_API_URL to an address of the Prefect server that they reach."
    )


def _end_with_parent() -> None:
    """End this worker process when the flow's process is killed."""
    import threading
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
