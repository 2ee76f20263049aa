"""Run shards of a computation in this process, in processes of this machine, or on Dask.

A shard is a function of a module and its arguments: it reads no database and has no effects, so
that its result is the same wherever it runs. `ROTATION_TASK_RUNNER` says where.

Example:
    with open_task_runner(settings):
        frames = list(map_shards(rows_of_companies, [(facts, days), (more_facts, days)]))
"""

import logging
import os
import platform
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from hashlib import sha256
from importlib.metadata import version
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
WORKER_LOST = ("BrokenProcessPool", "KilledWorker", "FutureCancelledError", "CommClosedError")

# a scheduler that imports the product on a busy machine has answered after 37 seconds
CONNECT_SECONDS = 120
# a restarted worker reconnects within this time
NO_WORKER_SECONDS = 120
NOT_STORED = "This batch or table was not stored; those stored before it stay."
# with another version of these a shard may return other last bits
LIBRARIES = ("numpy", "pandas", "polars")


class TaskRunnerError(RotationError):
    """Shards can't run where ROTATION_TASK_RUNNER says, or a worker died."""


@contextmanager
def open_task_runner(settings: Settings) -> Iterator[None]:
    """Let `map_shards` run where the settings say, until left.

    The runner is made with the first shard that needs it, so a setting that cannot work is an error
    of `map_shards`: work without shards goes on.
    """
    if not settings.task_runner:
        yield
        return
    with ExitStack() as stack:
        token = _RUNNER.set(_LazyRunner(settings, stack))
        try:
            yield
        finally:
            _RUNNER.reset(token)


class _LazyRunner:
    """A task runner that starts when it is first used."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._runner: TaskRunner[Any] | None = None
        self._error: TaskRunnerError | None = None

    @property
    def is_dask(self) -> bool:
        """Return whether shards run on a Dask cluster."""
        return self._settings.task_runner == "dask"

    def start(self) -> TaskRunner[Any]:
        """Return the runner, started.

        Raises:
            TaskRunnerError: It cannot start; later calls do not wait for it again.
        """
        if self._error is not None:
            raise self._error
        if self._runner is None:
            try:
                runner = _make_runner(self._settings)
                with ExitStack() as started:
                    started.enter_context(runner)
                    if self.is_dask:
                        _connect(runner, self._settings.dask_address)
                    self._stack.push(started.pop_all())
            except TaskRunnerError as error:
                self._error = error
                raise
            self._runner = runner
        return self._runner


_RUNNER: ContextVar[_LazyRunner | None] = ContextVar("task_runner", default=None)


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
        TaskRunnerError: The runner is not installed, its workers cannot be reached or cannot reach
            Prefect, or a worker has other code than this process, or died, or all have left.
    """
    lazy_runner, rest = _RUNNER.get(), iter(shards)
    # one shard is not worth the start of a worker
    first = [] if lazy_runner is None else list(islice(rest, 2))
    if lazy_runner is None or len(first) < 2:
        yield from (function(*arguments) for arguments in chain(first, rest))
        return
    runner, is_dask = lazy_runner.start(), lazy_runner.is_dask
    pending: deque[Any] = deque()

    def submit(arguments: tuple[Any, ...]) -> None:
        parameters = {
            "function": function,
            "arguments": _Opaque(arguments),
            "code": CODE_CHECKSUM,
        }
        with _name_lost_worker(function.__name__):
            pending.append(runner.submit(run_shard, parameters))

    for arguments in (*first, *islice(rest, SHARDS_PER_WORKER * _worker_count(runner))):
        submit(arguments)
    while pending:
        with _name_lost_worker(function.__name__):
            future = pending.popleft()
            result: R = _result_on_dask(runner, future) if is_dask else future.result()
        for arguments in islice(rest, 1):
            submit(arguments)
        yield result


def _result_on_dask(runner: Any, future: Any) -> Any:
    """Return a shard's result; Dask itself waits forever when all workers have left."""
    had_no_worker = False
    while True:
        try:
            return future.result(timeout=NO_WORKER_SECONDS)
        except TimeoutError:
            # done: the shard's own error; a result lost with its worker is no longer done
            if future.wrapped_future.done():
                raise
        has_no_worker = not _has_running_worker(runner)
        if had_no_worker and has_no_worker:
            raise TaskRunnerError(
                f"The Dask cluster has had no worker for {NO_WORKER_SECONDS} seconds or more."
                f" {NOT_STORED} Start workers (docs/scale.md), or unset ROTATION_TASK_RUNNER, and"
                " run the flow again."
            )
        had_no_worker = has_no_worker


def _has_running_worker(runner: Any) -> bool:
    """Return whether a worker takes shards; one that is paused or closing does not."""
    try:
        workers = runner.client.scheduler_info()["workers"].values()
    except (OSError, RuntimeError) as error:
        raise TaskRunnerError(
            f"The connection to the Dask scheduler was lost ({type(error).__name__}). {NOT_STORED}"
            " Start the scheduler (docs/scale.md), or unset ROTATION_TASK_RUNNER, and run the flow"
            " again."
        ) from error
    return any(each["status"] == "running" for each in workers)


@contextmanager
def _name_lost_worker(function: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if type(error).__name__ not in WORKER_LOST:
            raise
        raise TaskRunnerError(
            f"A worker died or was cut off while it ran {function} ({type(error).__name__}); its"
            f" machine may be out of memory. {NOT_STORED} Free memory, or unset"
            " ROTATION_TASK_RUNNER, and run the flow again."
        ) from error


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
    if code != CODE_CHECKSUM:
        raise TaskRunnerError(
            f"The worker {os.uname().nodename} has another version of the product, of Python or of"
            f" {', '.join(LIBRARIES)} than the flow, so its rows might differ. Install the same on"
            " all workers, start them again and run the flow again."
        )
    return function(*arguments.arguments)


def code_checksum() -> str:
    """Return a checksum of the code, libraries and reference files that shards use."""
    root = Path(tasks.__path__[0]).parent
    versions = [platform.python_version(), *(f"{name} {version(name)}" for name in LIBRARIES)]
    digest = sha256("\0".join(versions).encode())
    for folder in ("tasks", "expectations", "warehouse"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".py", ".csv"):
                digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


# at the import: of what this process runs, not of what the folder has by the first shard
CODE_CHECKSUM = code_checksum()


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
    # by the default of 30 seconds a busy machine has cut the connection
    timeouts = dict.fromkeys(("connect", "tcp"), "300s")
    dask.config.set({f"distributed.comm.timeouts.{name}": each for name, each in timeouts.items()})
    if not settings.dask_address:
        # scheduler and workers each have an HTTP server, without login; without routes it replies
        # 404 to all
        parts = ("scheduler", "worker")
        dask.config.set({f"distributed.{part}.http.routes": [] for part in parts})
        return DaskTaskRunner(
            cluster_kwargs={
                "n_workers": _process_count(),
                "threads_per_worker": 1,
                "host": "127.0.0.1",
                # no dashboard; with certificates of its own, as other accounts of this machine
                # could else send programs
                "dashboard_address": None,
                "worker_dashboard_address": None,
                "security": True,
            }
        )
    _refuse_unreachable_api(settings.dask_address)
    return DaskTaskRunner(address=settings.dask_address, client_kwargs={"timeout": CONNECT_SECONDS})


def _connect(runner: TaskRunner[Any], address: str) -> None:
    """Connect to the cluster, and wait for a worker: without one, shards would wait forever."""
    place = f"the Dask scheduler at {address}" if address else "a Dask cluster on this machine"
    try:
        client = runner.client  # type: ignore[attr-defined]
    except Exception as error:
        raise TaskRunnerError(
            f"Could not connect to {place} ({type(error).__name__}: {error}). Start it, correct"
            " ROTATION_DASK_ADDRESS and its certificates, or unset ROTATION_TASK_RUNNER."
        ) from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        raise TaskRunnerError(
            f"There is no worker of {place} after {CONNECT_SECONDS} seconds. Start workers"
            " (docs/scale.md), or unset ROTATION_TASK_RUNNER."
        ) from error


def _refuse_unreachable_api(address: str) -> None:
    """Raise an error if workers on other machines would get an API URL of this machine.

    Each would start a Prefect server of its own, which takes half a minute and hides its runs.
    """
    url = PREFECT_API_URL.value() or ""
    if urlsplit(address).hostname in LOOPBACK or urlsplit(url).hostname not in (None, *LOOPBACK):
        return
    # without a login, if it has one
    server = urlsplit(url).netloc.rpartition("@")[2] or "an unset PREFECT_API_URL"
    raise TaskRunnerError(
        f"The workers at {address} cannot reach Prefect at {server}: PREFECT_API_URL"
        " must be an address that they reach. `make up` and `rotation run` set it to a server of"
        " this machine alone, so start the flows as in 'Another Prefect server' in docs/runbook.md."
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
