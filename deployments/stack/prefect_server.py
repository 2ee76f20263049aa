"""The Prefect server of a state folder: its settings, its database, its login, its port."""

import os
import re
import sys
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
import psycopg

from deployments.stack.processes import Service, ServiceError
from warehouse.connect.connections import embedded_server
from warehouse.schema.roles import ensure_login
from warehouse.server.local import ensure_database, free_port, get_or_create_secret, make_dsn
from warehouse.settings import Settings

PREFECT_CLI = (sys.executable, "-m", "prefect")
# Prefect's own database and login: it sees nothing of the warehouse's
PREFECT = "prefect"
PASSWORD_ENV_VARS = ("ROTATION_LOADER_PASSWORD", "ROTATION_READER_PASSWORD", "ROTATION_UI_PASSWORD")
# a server on a fresh database migrates it first: 20 s on two cores that have nothing else to do
SERVER_START_SECONDS = 300
MAX_PORT_ATTEMPTS = 4
# by Prefect before it loads its server, and by that
PORT_TAKEN = re.compile("already in use|already running on port", re.IGNORECASE)


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
        # a run that misses three of them is called Crashed: deployments/stack/automations.py
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
    return f"rotation:{get_or_create_secret(settings.home / 'ui.password')}"


def _prefect_password(settings: Settings) -> str:
    return get_or_create_secret(settings.home / "prefect.password")


def _prefect_dsn(settings: Settings) -> str:
    port = urlsplit(embedded_server(settings).dsn()).port
    assert port is not None
    dsn = make_dsn(PREFECT, _prefect_password(settings), port, PREFECT)
    return dsn.replace("postgresql://", "postgresql+asyncpg://")


def is_server_running(settings: Settings) -> bool:
    """Whether this state folder's Prefect server runs."""
    return Service(settings.home.absolute(), "prefect-server").read_state() is not None


def stop_server(settings: Settings) -> None:
    """Stops the Prefect server of this state folder."""
    Service(settings.home.absolute(), "prefect-server").stop()


def start_server(settings: Settings) -> dict[str, str]:
    """Starts the Prefect server if it is down.

    Returns:
        The environment in which clients, workers and flows reach it.

    Raises:
        ServiceError: when it does not answer in time, with its log's end; when it has another
            password; when its ports are taken.
    """
    service = Service(settings.home.absolute(), "prefect-server")
    facts = service.read_state()
    if facts is not None:
        environment = prefect_environment(settings, int(str(facts["port"])))
        if _wait_until_ready(service, environment):
            return environment
        raise ServiceError(
            f"The server at {environment['PREFECT_API_URL']} does not take the password of"
            f" {settings.home.absolute()}. Where that was changed, `rotation down` comes first."
        )
    for _ in range(MAX_PORT_ATTEMPTS):
        environment = prefect_environment(settings, free_port(preferred=4200))
        _launch(settings, service, environment)
        if _wait_until_ready(service, environment):
            return environment
        # another server took the port between our look at it and our use of it
        service.stop()
    raise ServiceError(
        f"Other programs took each of the {MAX_PORT_ATTEMPTS} ports that were free for the Prefect"
        " server before it could listen there. Run the command again."
    )


def _launch(settings: Settings, service: Service, environment: dict[str, str]) -> None:
    own = os.environ | environment
    # the server has no use for the providers' keys and the warehouse's passwords, and flow
    # runs none for its database
    for name in ("FRED_API_KEY", "ROTATION_NOTIFY_URL", "DATABASE_URL", *PASSWORD_ENV_VARS):
        own.pop(name, None)
    # SQLite answers 503 under a backfill's load: the embedded server holds Prefect's data, and with
    # a DATABASE_URL nothing else
    superuser = embedded_server(settings).start()
    with psycopg.connect(superuser, autocommit=True) as connection:
        ensure_login(connection, PREFECT, _prefect_password(settings))
    ensure_database(superuser, PREFECT, PREFECT)
    own["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = _prefect_dsn(settings)
    port = int(environment["PREFECT_SERVER_API_PORT"])
    service.start([*PREFECT_CLI, "server", "start"], own, port=port)


def _wait_until_ready(service: Service, environment: Mapping[str, str]) -> bool:
    """Waits until the server answers; False where another program has its port.

    Whether it lives is told to everybody, and by every Prefect server. Ours takes our password,
    and has its files in our state folder.
    """
    deadline = time.monotonic() + SERVER_START_SECONDS
    name, _, password = environment["PREFECT_API_AUTH_STRING"].partition(":")
    with httpx.Client(auth=(name, password), trust_env=False, timeout=5) as client:
        while True:
            try:
                answer = client.get(environment["PREFECT_API_URL"] + "/admin/settings")
            except httpx.TransportError:
                # whoever took the port need not speak HTTP, nor answer while it is starting itself
                if service.read_state() is None and PORT_TAKEN.search(service.log_tail(500)):
                    return False
                service.check()  # it is still starting
            else:
                if answer.is_success and _home_of(answer) == environment["PREFECT_HOME"]:
                    return True
                if not answer.is_server_error:
                    return False
            if time.monotonic() > deadline:
                raise ServiceError(f"The Prefect server does not answer:\n{service.log_tail()}")
            time.sleep(0.2)


def _home_of(answer: httpx.Response) -> str | None:
    try:
        settings = answer.json()
    except ValueError:
        return None
    return settings.get("home") if isinstance(settings, dict) else None
