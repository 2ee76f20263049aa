"""Restart services of the stack that ended: PostgreSQL, the Prefect server and the worker."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from deployments.stack import prefect_server, stack
from deployments.stack.processes import Service
from tasks.http_client import LOGGER_NAME
from warehouse.base_error import RotationError
from warehouse.connect.dsn import embedded_server
from warehouse.settings import Settings

CHECK_SECONDS = 2.0
# a service that does not start, on a full disk say, is tried again after 2, 4, ... 60 s
MAX_WAIT_SECONDS = 60.0
RESTARTS_FILE = "restarts.jsonl"

logger = logging.getLogger(__name__)


def start_supervisor(settings: Settings) -> None:
    """Start the supervisor of this state folder; it inherits this process's environment."""
    service = Service(settings.home.absolute(), stack.SUPERVISOR)
    environment = os.environ | {"ROTATION_HOME": str(settings.home.absolute())}
    service.start([sys.executable, "-m", __name__], environment)


def stop_supervisor(settings: Settings) -> bool:
    """Stop the supervisor, before services are stopped on purpose; return whether it ran."""
    return Service(settings.home.absolute(), stack.SUPERVISOR).stop()


def supervise(settings: Settings) -> None:
    """Restart ended services until this process is terminated."""
    wait_seconds = CHECK_SECONDS
    while True:
        time.sleep(wait_seconds)
        try:
            restart_ended(settings)
            wait_seconds = CHECK_SECONDS
        except (RotationError, psycopg.Error, OSError) as error:
            wait_seconds = min(2 * wait_seconds, MAX_WAIT_SECONDS)
            logger.error("%s; next attempt in %.0f s", error, wait_seconds)


def restart_ended(settings: Settings) -> None:
    """Restart the services that ended, in the order of their dependence.

    Raises:
        RotationError, psycopg.Error, OSError: One does not start; a full disk, say.
    """
    for name, is_running, start in _services(settings):
        if not is_running():
            logger.warning("Service %s ended; restarting it", name)
            start()
            _record(settings, name)


def _services(
    settings: Settings,
) -> list[tuple[str, Callable[[], bool], Callable[[], object]]]:
    database = embedded_server(settings)

    def start_worker() -> None:
        stack.start_worker(settings, prefect_server.start_server(settings))

    return [
        ("postgres", database.is_running, database.start),
        (
            "prefect-server",
            lambda: prefect_server.is_server_running(settings),
            lambda: prefect_server.start_server(settings),
        ),
        ("prefect-worker", lambda: stack.is_worker_running(settings), start_worker),
    ]


def _restarts_file(settings: Settings) -> Path:
    return settings.home.absolute() / "logs" / RESTARTS_FILE


def _record(settings: Settings, service: str) -> None:
    line = {"service": service, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    with _restarts_file(settings).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def restarts_since(settings: Settings, start: datetime) -> dict[str, list[datetime]]:
    """Return the times of restarts by service, oldest first."""
    restarts: dict[str, list[datetime]] = {}
    if _restarts_file(settings).exists():
        for line in _restarts_file(settings).read_text(encoding="utf-8").splitlines():
            restart = json.loads(line)
            at = datetime.fromisoformat(restart["at"])
            if at >= start:
                restarts.setdefault(restart["service"], []).append(at)
    return restarts


if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    # one line per request otherwise
    logging.getLogger(LOGGER_NAME).setLevel(logging.WARNING)
    supervise(Settings())
