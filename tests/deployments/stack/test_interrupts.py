"""Ctrl-C: what runs in the foreground gets it, and the time that it needs to end."""

import os
import pty
import signal
import subprocess
import sys
import time

from tests.deployments.conftest import ROTATION
from warehouse.connect.connections import connect
from warehouse.settings import Settings

PARENT = """
import os, sys
from deployments.cli.run_flow import run_to_its_end
sys.exit(run_to_its_end([sys.executable, "-c", sys.argv[1]], os.environ))
"""
# longer than the quarter of a second that subprocess.run leaves
CHILD = """
import sys, time
try:
    print("under way", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    time.sleep(1)
    print("cancelled", flush=True)
    sys.exit(7)
"""
SLEEPERS = """
select count(*) from pg_stat_activity
where datname = current_database() and query = 'select pg_sleep(600);' and state = 'active'
"""


def test_a_flow_in_the_foreground_ends_by_itself() -> None:
    # a group of its own gets the signal, as a terminal's foreground group does
    command = [sys.executable, "-c", PARENT, CHILD]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "under way\n"
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate()
    assert (said, process.returncode) == ("cancelled\n", 7)


def test_a_query_can_be_cancelled_without_losing_the_session(settings: Settings) -> None:
    said = b""
    pid, terminal = pty.fork()
    if pid == 0:
        variables = {"ROTATION_HOME": str(settings.home), "ROTATION_ORIGIN": settings.origin}
        os.execve(ROTATION, [str(ROTATION), "sql"], os.environ | variables | {"PAGER": "cat"})

    def tell(words: bytes, until: bytes) -> None:
        nonlocal said
        os.write(terminal, words)
        said = b""
        while until not in said:
            said += os.read(terminal, 4096)

    tell(b"", until=b"=> ")
    tell(b"select pg_sleep(600);\n", until=b"\n")
    with connect(settings, "owner") as connection:
        while connection.execute(SLEEPERS).fetchone() != (1,):
            time.sleep(0.05)
    tell(b"\x03", until=b"canceling statement due to user request")
    # the time after which it was killed, and more
    time.sleep(1)
    tell(b"select 6 * 7 as product;\n", until=b"42")
    os.write(terminal, b"\\q\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
