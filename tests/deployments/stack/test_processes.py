"""Start and stop single processes of the stack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.stack import prefect_server
from deployments.stack.processes import Service, ServiceError, process_identity
from warehouse.settings import Settings

STOP = """
import pathlib, sys
from deployments.stack.processes import Service
sys.exit(not Service(pathlib.Path(sys.argv[1]), "sleeper").stop(grace_seconds=3600))
"""


def test_stop_does_not_wait_for_a_zombie(tmp_path: Path) -> None:
    """The process that stops a service is another one than its parent, which is this one."""
    service = Service(tmp_path, "sleeper")
    service.start([sys.executable, "-c", "import time; time.sleep(600)"], os.environ)
    subprocess.run([sys.executable, "-c", STOP, str(tmp_path)], check=True, timeout=120)
    assert service.read_state() is None


# a service with two children; one of them ignores SIGTERM
PARENT = """
import signal, subprocess, sys, time
ignores = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)"
for code in ("print(flush=True)", ignores):
    child = subprocess.Popen(
        [sys.executable, "-c", code + "; import time; time.sleep(600)"],
        stdout=subprocess.PIPE, start_new_session=True,
    )
    child.stdout.readline()
    print(child.pid, flush=True)
time.sleep(600)
"""


def test_children_that_ignore_sigterm_are_killed(tmp_path: Path) -> None:
    service = Service(tmp_path, "parent")
    service.start([sys.executable, "-c", PARENT], os.environ)
    try:
        while len(children := service.log_tail().split()) < 2:
            service.check()
        service.terminate_children(grace_seconds=0.5)
        assert [process_identity(int(pid)) for pid in children] == [None, None]
        assert service.read_state() is not None
    finally:
        service.stop()


@pytest.mark.parametrize(
    ("output", "is_taken"),
    [
        ("Port 4200 is already in use. Please specify a different port", True),
        ("error while attempting to bind on address: address already in use", True),
        ("no such table: alembic_version", False),
    ],
)
def test_start_retries_only_if_the_port_was_taken(
    tmp_path: Path, output: str, is_taken: bool
) -> None:
    """The program that has the port may not respond, so the log of the ended server decides."""
    service = Service(tmp_path, "prefect-server")
    port = prefect_server.free_port()
    environment = prefect_server.prefect_environment(Settings(home=tmp_path), port)
    service.start([sys.executable, "-c", f"print({output!r})"], environment, port=port)
    if is_taken:
        assert prefect_server._wait_until_ready(service, environment) is False
    else:
        with pytest.raises(ServiceError, match=output):
            prefect_server._wait_until_ready(service, environment)
