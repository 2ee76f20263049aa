"""Start and stop the Prefect server of a state folder: settings, database, login, port."""

import os
import re
import sys
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import psycopg

from deployments.stack.processes import Service, ServiceError
from deployments.stack.versions import require_same_version
from tasks.http_client import Response, TransportError, open_local_client
from warehouse.connect.dsn import embedded_server
from warehouse.schema.roles import ensure_login
from warehouse.server.local import ensure_database, free_port, get_or_create_secret, make_dsn
from warehouse.settings import Settings

PREFECT_CLI = (sys.executable, "-m", "prefect")
# name of Prefect's own database and login, without access to the warehouse
PREFECT = "prefect"
PASSWORD_ENV_VARS = ("ROTATION_LOADER_PASSWORD", "ROTATION_READER_PASSWORD", "ROTATION_UI_PASSWORD")
# on a new database the server runs its migrations first: 20 s on two idle cores
SERVER_START_SECONDS = 300
DEFAULT_PORT = 4200
MAX_PORT_ATTEMPTS = 4
# messages of the Prefect CLI and of its web server
PORT_TAKEN = re.compile("already in use|already running on port", re.IGNORECASE)


def prefect_environment(settings: Settings, port: int) -> dict[str, str]:
    """Return Prefect's settings: state folder, no telemetry, password, no access for web pages.

    The password is required on loopback too, since a client that can create deployments can run any
    program: other accounts of this machine, and web pages whose host name resolves to 127.0.0.1
    (DNS rebinding), which CORS and CSRF tokens do not stop.
    """
    home = settings.home.absolute() / "prefect"
    login = ui_login(settings)
    return {
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
        # a run that misses three heartbeats is marked as Crashed: deployments/stack/automations.py
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        # the default of three scheduled runs ahead does not reach over a weekend
        "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "10",
        # by default only events are deleted, and runs, logs and artifacts pile up
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(
            settings.run_retention_days * 24 * 60 * 60
        ),
        "PREFECT_LOGGING_LOGGERS_PREFECT_TASK_RUNS_LEVEL": "WARNING",
        "ROTATION_HOME": str(settings.home.absolute()),
    }


def ui_login(settings: Settings) -> str:
    """Return the login of the Prefect UI, as user:password."""
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
    """Return whether the Prefect server of this state folder runs."""
    return Service(settings.home.absolute(), "prefect-server").read_state() is not None


def stop_server(settings: Settings) -> None:
    """Stop the Prefect server of this state folder."""
    Service(settings.home.absolute(), "prefect-server").stop()


def start_server(settings: Settings) -> dict[str, str]:
    """Start the Prefect server unless it runs.

    Returns:
        The environment for clients, workers and flows.

    Raises:
        ServiceError: If it does not respond in time (with the end of its log), has another
            password, or its ports are taken.
        VersionMismatch: If it runs, with another version of Prefect than this installation's.
    """
    service = Service(settings.home.absolute(), "prefect-server")
    state = service.read_state()
    if state is not None:
        environment = prefect_environment(settings, int(str(state["port"])))
        if _wait_until_ready(service, environment):
            # it may run since before an upgrade
            require_same_version(environment)
            return environment
        raise ServiceError(
            f"The server at {environment['PREFECT_API_URL']} does not accept the password of"
            f" {settings.home.absolute()}. If the password was changed, run `rotation down` first."
        )
    # clients of a server that ended wait for it at its port
    last_port = int(str(service.read_last_state().get("port", DEFAULT_PORT)))
    for _ in range(MAX_PORT_ATTEMPTS):
        environment = prefect_environment(settings, free_port(preferred=last_port))
        _launch(settings, service, environment)
        if _wait_until_ready(service, environment):
            return environment
        # another program took the port in between
        service.stop()
    raise ServiceError(
        f"The Prefect server did not start: other programs took {MAX_PORT_ATTEMPTS} free ports"
        " before it could listen on them. Run the command again."
    )


def _launch(settings: Settings, service: Service, environment: dict[str, str]) -> None:
    server_environment = os.environ | environment
    # the server needs neither the providers' keys nor the warehouse's passwords
    keys = ("FRED_API_KEY", "TIINGO_API_KEY", "ROTATION_NOTIFY_URL", "DATABASE_URL")
    for name in (*keys, *PASSWORD_ENV_VARS):
        server_environment.pop(name, None)
    # Prefect's data are always in the embedded server: SQLite fails under the load of a backfill
    superuser = embedded_server(settings).start()
    with psycopg.connect(superuser, autocommit=True) as connection:
        ensure_login(connection, PREFECT, _prefect_password(settings))
    ensure_database(superuser, PREFECT, PREFECT)
    server_environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = _prefect_dsn(settings)
    port = int(environment["PREFECT_SERVER_API_PORT"])
    service.start([*PREFECT_CLI, "server", "start"], server_environment, port=port)


def _wait_until_ready(service: Service, environment: Mapping[str, str]) -> bool:
    """Wait until the server responds; return False if another program has its port.

    /health needs no password and is the same for all Prefect servers, so this reads a page that
    needs the password and contains the server's folder.
    """
    deadline = time.monotonic() + SERVER_START_SECONDS
    with open_local_client(5, login=environment["PREFECT_API_AUTH_STRING"]) as client:
        while True:
            try:
                response = client.get(environment["PREFECT_API_URL"] + "/admin/settings")
            except TransportError:
                # a program that took the port may not speak HTTP, or may still be starting
                if service.read_state() is None and PORT_TAKEN.search(service.log_tail(500)):
                    return False
                service.check()  # raises unless it is still starting
            else:
                if response.is_success and _home_of(response) == environment["PREFECT_HOME"]:
                    return True
                if not response.is_server_error:
                    return False
            if time.monotonic() > deadline:
                raise ServiceError(f"The Prefect server does not respond:\n{service.log_tail()}")
            time.sleep(0.2)


def _home_of(response: Response) -> str | None:
    try:
        settings = response.json()
    except ValueError:
        return None
    return settings.get("home") if isinstance(settings, dict) else None
