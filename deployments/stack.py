"""The local stack: embedded Postgres, Prefect server and worker, and the sandbox when asked."""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict

from deployments.sandbox.client import Sandbox
from deployments.sandbox.launch import SandboxError
from deployments.services import Service, ServiceError
from warehouse.connections import embedded_server, is_embedded, warehouse_dsn
from warehouse.embedded import ensure_database, free_port, make_dsn, read_or_make_secret
from warehouse.migrate import prepare
from warehouse.roles import ensure_login
from warehouse.settings import CHECKOUT, Settings

POOL = "rotation"
PREFECT_CLI = (sys.executable, "-m", "prefect")
PREFECT_FILE = CHECKOUT / "deployments" / "prefect.yaml"
# Prefect's own database and login: it sees nothing of the warehouse's
PREFECT = "prefect"
OWN_PASSWORDS = ("ROTATION_LOADER_PASSWORD", "ROTATION_READER_PASSWORD", "ROTATION_UI_PASSWORD")
# a server on a fresh database migrates it first: 20 s on two cores
SERVER_START_SECONDS = 120
# the sandbox takes any key of the right form
SANDBOX_FRED_KEY = "5a17d0c0ffee5a17d0c0ffee5a17d0c0"
SANDBOX_SEC_USER_AGENT = "Rotation Sandbox sandbox@example.com"


def remembered_settings(home: Path | None = None) -> Settings:
    """The settings, with the origin that this state folder was last used for.

    `ROTATION_ORIGIN` in the environment wins.
    """
    settings = Settings() if home is None else Settings(home=home)
    state = settings.home / "origin"
    if "ROTATION_ORIGIN" in os.environ or not state.exists():
        return settings
    return settings.model_copy(update={"origin": state.read_text().strip()})


def remember_origin(settings: Settings) -> None:
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


def start_database(settings: Settings, is_current: bool = True) -> None:
    """Starts the embedded server where it is the one in use, and brings the schema up to date.

    Args:
        settings: Of the warehouse.
        is_current: Whether `rotation sql`, `dsn` and `status` are to mean this warehouse from now.
    """
    prepare(settings)
    if is_current:
        remember_origin(settings)


def prefect_environment(settings: Settings, port: int) -> dict[str, str]:
    """Prefect's settings: all below the state folder, nothing phones home, closed to web pages.

    A password on loopback, too: whoever may create a deployment may run any program as us. That
    would be every account of this machine, and every web page whose host's name is made to mean
    127.0.0.1, which neither CORS nor CSRF tokens stop.
    """
    home = settings.home.absolute() / "prefect"
    login = ui_login(settings)
    own = {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_AUTH_STRING": login,
        "PREFECT_API_AUTH_STRING": login,
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "5",
        # a run that misses three of them is called Crashed: deployments/automations.py
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        # by default three are laid out, so that a day's schedule ends before a weekend does
        "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "10",
        "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
        "ROTATION_HOME": str(settings.home.absolute()),
    }
    return own


def ui_login(settings: Settings) -> str:
    """What the login page of Prefect's UI asks for."""
    if settings.ui_password is not None:
        return f"rotation:{settings.ui_password.get_secret_value()}"
    settings.home.mkdir(parents=True, exist_ok=True)
    return f"rotation:{read_or_make_secret(settings.home / 'ui.password')}"


def _prefect_password(settings: Settings) -> str:
    return read_or_make_secret(settings.home / "prefect.password")


def _prefect_dsn(settings: Settings) -> str:
    port = urlsplit(embedded_server(settings).dsn()).port
    assert port is not None
    dsn = make_dsn(PREFECT, _prefect_password(settings), port, PREFECT)
    return dsn.replace("postgresql://", "postgresql+asyncpg://")


def is_server_running(settings: Settings) -> bool:
    """Whether this state folder's Prefect server runs."""
    return Service(settings.home.absolute(), "prefect-server").facts() is not None


def stop_server(settings: Settings) -> None:
    """Stops the Prefect server of this state folder."""
    Service(settings.home.absolute(), "prefect-server").stop()


def start_server(settings: Settings) -> dict[str, str]:
    """Starts the Prefect server if it is down.

    Returns:
        The environment in which clients, workers and flows reach it.

    Raises:
        ServiceError: when it does not answer in time; the message has its log's end.
    """
    service = Service(settings.home.absolute(), "prefect-server")
    facts = service.facts()
    if facts is None:
        if is_embedded(settings):
            with psycopg.connect(embedded_server(settings).dsn(), autocommit=True) as connection:
                ensure_login(connection, PREFECT, _prefect_password(settings))
            ensure_database(embedded_server(settings).dsn(), PREFECT, PREFECT)
        port = free_port(preferred=4200)
        environment = prefect_environment(settings, port)
        own = os.environ | environment
        # the server has no use for the providers' keys and the warehouse's passwords, and flow
        # runs none for its database
        for name in ("FRED_API_KEY", "ROTATION_NOTIFY_URL", "DATABASE_URL", *OWN_PASSWORDS):
            own.pop(name, None)
        if is_embedded(settings):
            # SQLite answers 503 under a backfill's load; the embedded server is there anyway
            own["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = _prefect_dsn(settings)
        service.start([*PREFECT_CLI, "server", "start"], own, port=port)
    else:
        environment = prefect_environment(settings, int(str(facts["port"])))
    deadline = time.monotonic() + SERVER_START_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as client:
        while True:
            service.check()
            try:
                if client.get(environment["PREFECT_API_URL"] + "/health").status_code == 200:
                    return environment
            except httpx.TransportError:
                pass  # it is still starting
            if time.monotonic() > deadline:
                raise ServiceError(f"The Prefect server does not answer:\n{service.log_tail()}")
            time.sleep(0.2)


def is_worker_running(settings: Settings) -> bool:
    """Whether this state folder's worker runs."""
    return Service(settings.home.absolute(), "prefect-worker").facts() is not None


def start_worker(settings: Settings, environment: Mapping[str, str]) -> None:
    """Starts a process worker; its flow runs have its environment.

    One that runs for another origin, sandbox, server or warehouse is replaced: it would go on
    sending its flow runs there.
    """
    service = Service(settings.home.absolute(), "prefect-worker")
    database = _flows_database(settings)
    words = conninfo_to_dict(database["DATABASE_URL"])
    meant = {
        "origin": settings.origin,
        "proxy": os.environ.get("HTTPS_PROXY", ""),
        "api": environment["PREFECT_API_URL"],
        "database": {name: str(word) for name, word in words.items() if name != "password"},
    }
    held = service.facts()
    if held is not None and any(held.get(name) != value for name, value in meant.items()):
        service.stop_children()
        service.stop()
        held = None
    if held is None:
        service.start(
            [*PREFECT_CLI, "worker", "start", "--pool", POOL, "--type", "process"],
            os.environ | dict(environment) | database,
            **meant,
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
    """Applies `deployments/automations.py`.

    Raises:
        ServiceError: with what it printed.
    """
    _run_with_prefect(environment, sys.executable, "-m", "deployments.automations")


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
    Service(home, "prefect-worker").stop_children()
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
        "prefect-server": Service(home, "prefect-server").facts(),
        "prefect-worker": Service(home, "prefect-worker").facts(),
        "sandbox": sandbox,
    }
