"""The local stack: embedded PostgreSQL, Prefect server, worker and optional sandbox."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from deployments.sandbox.client import Sandbox
from deployments.sandbox.launch import SandboxError
from deployments.stack.prefect_server import PREFECT_CLI
from deployments.stack.processes import Service, ServiceError
from warehouse.connect.dsn import embedded_server, is_embedded, warehouse_dsn
from warehouse.settings import CHECKOUT, Settings

POOL = "rotation"
SUPERVISOR = "supervisor"
PREFECT_FILE = CHECKOUT / "deployments" / "prefect.yaml"
# the sandbox accepts any key of this form
SANDBOX_FRED_KEY = "5a17d0c0ffee5a17d0c0ffee5a17d0c0"
SANDBOX_SEC_USER_AGENT = "Rotation Sandbox sandbox@example.com"


def sandbox_home(settings: Settings) -> Path:
    """Return the folder of the stack's sandbox."""
    return settings.home.absolute() / "sandbox"


def start_sandbox(home: Path, tape: Path, reuse: bool = False) -> Sandbox:
    """Start a sandbox that replays a tape; stop another one of this folder first.

    Args:
        home: The sandbox's folder.
        tape: The tape.
        reuse: Keep a running sandbox with a tape of this name, with its clock and faults.

    Raises:
        TapeError: The tape holds nothing to replay, or cannot be read.
    """
    # only here: it imports polars
    from deployments.sandbox.tape.tape import require_data

    if (tape / "tape.toml").is_file():  # of another folder the sandbox says that it is no tape
        require_data(tape)
    with suppress(SandboxError):  # raised where none runs
        running = Sandbox.attach(home)
        if reuse and running.tape == _tape_name(tape):
            return running
        running.stop()
    return Sandbox.start(tape, home)


def _tape_name(tape: Path) -> str | None:
    # of a folder that is no tape, the sandbox says so
    with suppress(OSError, ValueError):
        return str(tomllib.loads((tape / "tape.toml").read_text(encoding="utf-8")).get("name"))
    return None


def stop_sandbox(home: Path) -> bool:
    """Stop the sandbox of a folder and return whether one ran."""
    with suppress(SandboxError):  # raised where none runs
        Sandbox.attach(home).stop()
        return True
    return False


def sandbox_environment(sandbox: Sandbox) -> dict[str, str]:
    """Return the settings, as environment variables, that direct all requests to a sandbox."""
    rates = {
        f"ROTATION_{provider}_{setting}": value
        for provider in ("YAHOO", "FRED", "ISHARES", "SEC", "TIINGO")
        for setting, value in (("REQUESTS_PER_SECOND", "1000"), ("BACKOFF_SECONDS", "0.5"))
    }
    return {
        **sandbox.environment(),
        **rates,
        "ROTATION_ORIGIN": sandbox.tape,
        "FRED_API_KEY": SANDBOX_FRED_KEY,
        "ROTATION_SEC_USER_AGENT": SANDBOX_SEC_USER_AGENT,
    }


def is_worker_running(settings: Settings) -> bool:
    """Return whether the worker of this state folder runs."""
    return Service(settings.home.absolute(), "prefect-worker").read_state() is not None


def start_worker(settings: Settings, environment: Mapping[str, str]) -> None:
    """Start a process worker; its flow runs inherit its environment.

    A worker that runs for another origin, sandbox, server or warehouse is replaced.
    """
    service = Service(settings.home.absolute(), "prefect-worker")
    database = _flows_database(settings)
    parameters = conninfo_to_dict(database["DATABASE_URL"])
    expected = {
        "origin": settings.origin,
        "proxy": os.environ.get("HTTPS_PROXY", ""),
        "api": environment["PREFECT_API_URL"],
        "database": {name: str(v) for name, v in parameters.items() if name != "password"},
    }
    state = service.read_state()
    if state is not None and any(state.get(name) != value for name, value in expected.items()):
        service.terminate_children()
        service.stop()
        state = None
    if state is None:
        service.start(
            [*PREFECT_CLI, "worker", "start", "--pool", POOL, "--type", "process"],
            os.environ | dict(environment) | database,
            **expected,
        )


def _flows_database(settings: Settings) -> dict[str, str]:
    """Return DATABASE_URL for flow runs: the loader's login instead of the owner's."""
    if is_embedded(settings):
        return {"DATABASE_URL": ""}
    return {"DATABASE_URL": warehouse_dsn(settings, "loader")}


def deploy(environment: Mapping[str, str]) -> None:
    """Create the work pool, deploy `deployments/prefect.yaml` and apply the automations.

    Deployments of the pool that prefect.yaml no longer lists are deleted.

    Raises:
        ServiceError: If a step fails; with its output.
    """
    # another process, since Prefect reads its settings at import
    done = subprocess.run(
        [sys.executable, "-m", "deployments.stack.deploy"],
        env=os.environ | dict(environment),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ServiceError(f"Applying the deployments failed:\n{done.stdout}\n{done.stderr}")


def stop_all(settings: Settings) -> list[str]:
    """Stop all services of this state folder; return the names of those that ran."""
    home = settings.home.absolute()
    # first, as it would restart the others
    stopped = [SUPERVISOR] if Service(home, SUPERVISOR).stop() else []
    Service(home, "prefect-worker").terminate_children()
    stopped += [name for name in ("prefect-worker", "prefect-server") if Service(home, name).stop()]
    stopped += ["sandbox" for name in ("sandbox", "demo") if stop_sandbox(home / name)]
    if embedded_server(settings).stop():
        stopped.append("postgres")
    return stopped


def status(settings: Settings) -> dict[str, object]:
    """Return the state of each service by name; None if it does not run."""
    home = settings.home.absolute()
    try:
        sandbox: object = json.loads((home / "sandbox" / "sandbox.json").read_text())
        Sandbox.attach(home / "sandbox")
    except (FileNotFoundError, SandboxError):
        sandbox = None
    return {
        "postgres": {"data": str(embedded_server(settings).data)}
        if embedded_server(settings).is_running()
        else None,
        "prefect-server": Service(home, "prefect-server").read_state(),
        "prefect-worker": Service(home, "prefect-worker").read_state(),
        SUPERVISOR: Service(home, SUPERVISOR).read_state(),
        "sandbox": sandbox,
    }
