"""Ctrl-C reaches the program in the foreground, which gets the time to end by itself."""

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
from deployments.cli.run_flow import run_and_wait
sys.exit(run_and_wait([sys.executable, "-c", sys.argv[1]], os.environ))
"""
# takes longer than the 0.25 s that subprocess.run allows
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


def test_flow_in_the_foreground_ends_by_itself() -> None:
    # the signal goes to a process group, as from a terminal
    command = [sys.executable, "-c", PARENT, CHILD]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "under way\n"
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate()
    assert (output, process.returncode) == ("cancelled\n", 7)


def test_query_is_cancelled_and_psql_goes_on(settings: Settings) -> None:
    output = b""
    pid, terminal = pty.fork()
    if pid == 0:
        variables = {"ROTATION_HOME": str(settings.home), "ROTATION_ORIGIN": settings.origin}
        os.execve(ROTATION, [str(ROTATION), "sql"], os.environ | variables | {"PAGER": "cat"})

    def send(text: bytes, until: bytes) -> None:
        nonlocal output
        os.write(terminal, text)
        output = b""
        while until not in output:
            output += os.read(terminal, 4096)

    send(b"", until=b"=> ")
    send(b"select pg_sleep(600);\n", until=b"\n")
    with connect(settings, "owner") as connection:
        # a transaction would see the sessions as they were at its first look
        connection.autocommit = True
        while connection.execute(SLEEPERS).fetchone() != (1,):
            time.sleep(0.05)
    send(b"\x03", until=b"canceling statement due to user request")
    # longer than the time after which subprocess.run would kill it
    time.sleep(1)
    send(b"select 6 * 7 as product;\n", until=b"42")
    os.write(terminal, b"\\q\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
