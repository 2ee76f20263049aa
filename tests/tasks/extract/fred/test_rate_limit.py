"""FRED's limit is one of the address, so it holds over all processes of a warehouse."""

import json
import os
import subprocess
import sys

from tests.tasks.extract.conftest import ROOT
from warehouse.settings import Settings

REQUESTS, PER_SECOND = 3, 2
# prints when each of its requests may be sent, on the clock that all processes share
CODE = """
import json, sys, time
from tasks.extract.fred.extract import open_fred_policy
from warehouse.settings import Settings
with open_fred_policy(Settings()) as policy:
    print("ready", flush=True)
    sys.stdin.readline()
    times = []
    for _ in range(int(sys.argv[1])):
        policy.limiter.acquire()
        times.append(time.monotonic())
print(json.dumps(times))
"""


def test_requests_of_two_processes_share_one_rate(module_warehouse: Settings) -> None:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "ROTATION_HOME": str(module_warehouse.home),
        "ROTATION_ORIGIN": module_warehouse.origin,
        "ROTATION_FRED_REQUESTS_PER_SECOND": str(PER_SECOND),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CODE, str(REQUESTS)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    times = sorted(time for each in processes for time in json.loads(each.communicate()[0]))
    assert len(times) == 2 * REQUESTS
    # five intervals, of which a busy machine may delay the first; apart they would take two
    assert times[-1] - times[0] > 3.5 / PER_SECOND
