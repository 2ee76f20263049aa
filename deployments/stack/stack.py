"""The local stack: embedded Postgres, Prefect server and worker, and the sandbox when asked."""

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
from warehouse.connect.connections import embedded_server, is_embedded, warehouse_dsn
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import CHECKOUT, Settings

POOL = "rotation"
PREFECT_FILE = CHECKOUT / "deployments" / "prefect.yaml"
# the sandbox takes any key of the right form
SANDBOX_FRED_KEY = "5a17d0c0ffee5a17d0c0ffee5a17d0c0"
SANDBOX_SEC_USER_AGENT = "Rotation Sandbox sandbox@example.com"


def load_settings(home: Path | None = None) -> Settings:
    """The settings, with the origin that this state folder was last used for.

    `ROTATION_ORIGIN` in the environment wins.
    """
    settings = Settings() if home is None else Settings(home=home)
    state = settings.home / "origin"
    if "ROTATION_ORIGIN" in os.environ or not state.exists():
        return settings
    return settings.model_copy(update={"origin": state.read_text().strip()})


def save_origin(settings: Settings) -> None:
    """Lets later commands find the warehouse of this origin."""
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "origin").write_text(settings.origin)


def sandbox_home(settings: Settings) -> Path:
    """Where the stack's sandbox keeps its files."""
    return settings.home.absolute() / "sandbox"


def start_sandbox(home: Path, tape: Path, reuse: bool = False) -> Sandbox:
    """Starts a sandbox over a tape, in place of one that runs in this folder.

    Args:
        home: The sandbox's folder.
        tape: The tape.
        reuse: Keep one that replays a tape of this name already, with its clock and faults.
    """
    with suppress(SandboxError):  # raised where none runs
        running = Sandbox.attach(home)
        named = tomllib.loads((tape / "tape.toml").read_text(encoding="utf-8")).get("name")
        if reuse and running.tape == named:
            return running
        running.stop()
    return Sandbox.start(tape, home)


def stop_sandbox(home: Path) -> bool:
    """Stops the sandbox that runs in a folder; True where one did."""
    with suppress(SandboxError):  # raised where none runs
        Sandbox.attach(home).stop()
        return True
    return False


def sandbox_environment(sandbox: Sandbox) -> dict[str, str]:
    """What points the product at a sandbox: nothing but variables that a user may set, too."""
    quick = {
        f"ROTATION_{provider}_{what}": value
        for provider in ("YAHOO", "FRED", "ISHARES", "SEC")
        for what, value in (("REQUESTS_PER_SECOND", "1000"), ("BACKOFF_SECONDS", "0.5"))
    }
    return {
        **sandbox.environment(),
        **quick,
        "ROTATION_ORIGIN": sandbox.tape,
        "FRED_API_KEY": SANDBOX_FRED_KEY,
        "ROTATION_SEC_USER_AGENT": SANDBOX_SEC_USER_AGENT,
    }


def start_database(settings: Settings, set_as_current: bool = True) -> None:
    """Starts the embedded server where it is the one in use, and brings the schema up to date.

    Args:
        settings: Of the warehouse.
        set_as_current: Whether `rotation sql`, `dsn` and `status` are to mean this warehouse from
            now.
    """
    ensure_up_to_date(settings)
    if set_as_current:
        save_origin(settings)


def is_worker_running(settings: Settings) -> bool:
    """Whether this state folder's worker runs."""
    return Service(settings.home.absolute(), "prefect-worker").read_state() is not None


def start_worker(settings: Settings, environment: Mapping[str, str]) -> None:
    """Starts a process worker; its flow runs have its environment.

    One that runs for another origin, sandbox, server or warehouse is replaced: it would go on
    sending its flow runs there.
    """
    service = Service(settings.home.absolute(), "prefect-worker")
    database = _flows_database(settings)
    words = conninfo_to_dict(database["DATABASE_URL"])
    expected = {
        "origin": settings.origin,
        "proxy": os.environ.get("HTTPS_PROXY", ""),
        "api": environment["PREFECT_API_URL"],
        "database": {name: str(word) for name, word in words.items() if name != "password"},
    }
    held = service.read_state()
    if held is not None and any(held.get(name) != value for name, value in expected.items()):
        service.terminate_children()
        service.stop()
        held = None
    if held is None:
        service.start(
            [*PREFECT_CLI, "worker", "start", "--pool", POOL, "--type", "process"],
            os.environ | dict(environment) | database,
            **expected,
        )


def _flows_database(settings: Settings) -> dict[str, str]:
    """What flow runs know of a server of your own: the loader's login, not the owner's."""
    if is_embedded(settings):
        return {"DATABASE_URL": ""}
    return {"DATABASE_URL": warehouse_dsn(settings, "loader")}


def deploy(environment: Mapping[str, str]) -> None:
    """Applies `deployments/prefect.yaml`, then the automations.

    Raises:
        ServiceError: with what Prefect printed.
    """
    _run_with_prefect(
        environment,
        *(*PREFECT_CLI, "--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_FILE)),
    )
    apply_automations(environment)


def apply_automations(environment: Mapping[str, str]) -> None:
    """Applies `deployments/stack/automations.py`.

    Raises:
        ServiceError: with what it printed.
    """
    _run_with_prefect(environment, sys.executable, "-m", "deployments.stack.automations")


def _run_with_prefect(environment: Mapping[str, str], *command: str) -> None:
    # Prefect reads its settings at import: they go to a process of its own
    done = subprocess.run(
        command,
        env=os.environ | dict(environment),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}"
        raise ServiceError(f"{' '.join(command[1:4])} failed:\n{said}")


def create_pool(environment: Mapping[str, str]) -> None:
    """Creates the work pool if there is none.

    Raises:
        ServiceError: with what Prefect printed.
    """
    _run_with_prefect(
        environment,
        *(*PREFECT_CLI, "work-pool", "create", POOL, "--type", "process", "--overwrite"),
    )


def stop_all(settings: Settings) -> list[str]:
    """Stops everything of this state folder; the names of what ran."""
    home = settings.home.absolute()
    Service(home, "prefect-worker").terminate_children()
    stopped = [name for name in ("prefect-worker", "prefect-server") if Service(home, name).stop()]
    stopped += ["sandbox" for name in ("sandbox", "demo") if stop_sandbox(home / name)]
    if embedded_server(settings).stop():
        stopped.append("postgres")
    return stopped


def status(settings: Settings) -> dict[str, object]:
    """What runs: service name to its facts, None where it does not run."""
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
        "sandbox": sandbox,
    }
