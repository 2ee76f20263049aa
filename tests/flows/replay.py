"""A warehouse of a test's own, fed from a sandbox of its own by flows in processes of their own."""

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from deployments.sandbox.client import Sandbox
from deployments.stack import stack
from tests.deployments.conftest import Api
from warehouse.backup.checksum import checksums
from warehouse.connect.connections import connect
from warehouse.settings import Settings

# Forked from a server that has done what costs ten seconds; each run is a process all the same,
# with the environment, the output and the death of one.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.flows.preloaded"])
HAS_REPORT = "TEST_HAS_REPORT"


@dataclass(frozen=True)
class RunResult:
    """How a flow run ended.

    Attributes:
        state: The state's name: Completed, Degraded, Failed; Killed where there is none.
        message: What the state says.
        output: All that the process printed.
    """

    state: str
    message: str
    output: str


class FlowProcess:
    """A flow run under way."""

    def __init__(
        self, flow: str, parameters: dict[str, Any], environment: dict[str, str], log: Path
    ) -> None:
        """Starts it."""
        self._log = log
        log.touch()  # where it is killed before it says anything
        self._said, says = PROCESSES.Pipe(duplex=False)
        self.process: BaseProcess = PROCESSES.Process(
            target=_run, args=(flow, parameters, environment, str(log), says)
        )
        self.process.start()
        says.close()

    def kill(self) -> RunResult:
        """Ends the process as the out-of-memory killer would."""
        assert self.process.pid is not None
        with suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.process.pid, signal.SIGKILL)
        return self.wait()

    def wait(self, seconds: float = 600) -> RunResult:
        """Waits for its end."""
        state, message = "Killed", ""
        if self._said.poll(seconds):
            with suppress(EOFError):  # it died without a word
                state, message = self._said.recv()
        self.process.join(seconds)
        assert self.process.exitcode is not None, f"the flow still runs after {seconds} seconds"
        return RunResult(state, message, self._log.read_text(errors="replace"))


@dataclass(frozen=True)
class Replay:
    """A warehouse, the sandbox that feeds it, and the environment that joins them."""

    settings: Settings
    sandbox: Sandbox
    environment: dict[str, str]
    logs: Path

    def start(self, flow: str, **parameters: Any) -> FlowProcess:
        """Starts a flow; variables of the environment may be given as `env`.

        A daily run makes no report unless `has_report`: its charts take a third of the time.
        """
        environment = self.environment | parameters.pop("env", {})
        environment[HAS_REPORT] = str(parameters.pop("has_report", False))
        log = self.logs / f"{len(list(self.logs.iterdir()))}-{flow}.log"
        return FlowProcess(flow, parameters, environment, log)

    def run(self, flow: str, **parameters: Any) -> RunResult:
        """Runs a flow to its end."""
        return self.start(flow, **parameters).wait()

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, as the loader sees them."""
        with connect(self.settings) as connection:
            return connection.execute(query, parameters or None).fetchall()

    def column(self, query: str, *parameters: Any) -> list[Any]:
        """The first column of a query's rows."""
        return [row[0] for row in self.rows(query, *parameters)]

    @property
    def api(self) -> Api:
        """A client of the Prefect server."""
        return Api(*(self.environment[f"PREFECT_API_{name}"] for name in ("URL", "AUTH_STRING")))

    def artifact(self, key: str) -> str:
        """The newest artifact of a key in Prefect."""
        data: str = self.api.get(f"/artifacts/{key}/latest")["data"]
        return data

    def checksums(self, without: Iterable[str] = ()) -> dict[str, str]:
        """Rows and content hash of each published table."""
        with connect(self.settings) as connection:
            return {
                each.table: f"{each.rows} rows {each.digest}"
                for each in checksums(connection)
                if each.table not in without
            }

    def fetches(self) -> dict[str, tuple[str, str | None, int]]:
        """Item to status, reason and attempts of its newest fetch."""
        newest = self.rows(
            "select distinct on (item) item, status, reason, attempts from audit.fetch"
            " order by item, fetch_id desc"
        )
        return {item: tuple(rest) for item, *rest in newest}


def _run(
    flow: str,
    parameters: dict[str, Any],
    environment: dict[str, str],
    log: str,
    says: Connection,
) -> None:
    """Entry point of the process; sets the environment before the product reads it."""
    with open(log, "ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(environment)
    from prefect import Flow
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    module = __import__(f"flows.{flow}", fromlist=["_"])
    if flow == "daily" and environment[HAS_REPORT] == "False":
        module.make_report = _make_no_report
    try:
        # the thread of the heartbeat holds up the end of every flow by most of a second
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            entrypoint = next(
                each
                for each in vars(module).values()
                if isinstance(each, Flow) and each.name == flow.replace("_", "-")
            )
            state = entrypoint(**parameters, return_state=True)
        says.send((state.name, state.message or ""))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()


def _make_no_report(_: Settings, return_state: bool) -> Any:
    from prefect.states import Completed

    return Completed()


def environment_of(sandbox: Sandbox, settings: Settings) -> dict[str, str]:
    """The environment that joins a warehouse and a sandbox, without the developer's `.env`."""
    return {
        **stack.sandbox_environment(sandbox),
        "ROTATION_HOME": str(settings.home),
        "ROTATION_ORIGIN": settings.origin,
        "DATABASE_URL": "",
        # three quick attempts: the waits are the extractors' own tests' business
        "ROTATION_YAHOO_BACKOFF_SECONDS": "0.1",
        "ROTATION_FRED_BACKOFF_SECONDS": "0.1",
        "ROTATION_ISHARES_BACKOFF_SECONDS": "0.1",
    }
