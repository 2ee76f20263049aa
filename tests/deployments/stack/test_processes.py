"""Processes of the stack, by themselves."""

import os
import subprocess
import sys
from pathlib import Path

from deployments.stack.processes import Service, process_start_time

STOP = """
import pathlib, sys
from deployments.stack.processes import Service
sys.exit(not Service(pathlib.Path(sys.argv[1]), "sleeper").stop(grace_seconds=3600))
"""


def test_what_ended_is_not_waited_for_until_its_parent_asks(tmp_path: Path) -> None:
    """Whoever stops a stack need not be the process that started it; here that is this one."""
    service = Service(tmp_path, "sleeper")
    service.start([sys.executable, "-c", "import time; time.sleep(600)"], os.environ)
    subprocess.run([sys.executable, "-c", STOP, str(tmp_path)], check=True, timeout=120)
    assert service.read_state() is None


# two processes that a service started: one heeds the signal, one does not hear it
PARENT = """
import signal, subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)"
for code in ("print(flush=True)", deaf):
    child = subprocess.Popen(
        [sys.executable, "-c", code + "; import time; time.sleep(600)"],
        stdout=subprocess.PIPE, start_new_session=True,
    )
    child.stdout.readline()
    print(child.pid, flush=True)
time.sleep(600)
"""


def test_children_end_whether_they_listen_or_not(tmp_path: Path) -> None:
    service = Service(tmp_path, "parent")
    service.start([sys.executable, "-c", PARENT], os.environ)
    try:
        while len(children := service.log_tail().split()) < 2:
            service.check()
        service.terminate_children(grace_seconds=0.5)
        assert [process_start_time(int(pid)) for pid in children] == ["", ""]
        assert service.read_state() is not None
    finally:
        service.stop()
