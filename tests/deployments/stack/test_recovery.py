"""Cancelled and killed runs, and runs whose worker is killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.sandbox.client import Sandbox
from deployments.stack import automations, stack
from tests.deployments.conftest import Api, Home, start, wait
from warehouse.connect.connections import connect

# a provider that does not respond keeps a run running
HANG = {"host": "yahoo.com", "path": "/chart/", "count": None, "seconds": 600}
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def audit(up: Home, flow_run: str) -> dict[str, Any]:
    """Return state and process of a flow run in `audit.run`; empty if not stored yet."""
    with connect(up.settings) as connection:
        row = connection.execute(
            "select state, process from audit.run where flow_run_id = %s", (flow_run,)
        ).fetchone()
    return dict(zip(("state", "process"), row, strict=True)) if row else {}


def state(api: Api, flow_run: str) -> str:
    """Return the final state type of a flow run; empty if it runs."""
    kind: str = api.get(f"/flow_runs/{flow_run}")["state"]["type"]
    return kind if kind in ENDED else ""


@pytest.fixture
def hanging(api: Api, up: Home) -> Iterator[str]:
    """Return a prices run of the worker that waits for Yahoo."""
    sandbox = Sandbox.attach(stack.sandbox_home(up.settings))
    # remove the requests of other tests
    sandbox.clear_requests()
    sandbox.add_fault("hang", **HANG)
    found = api.get("/deployments/name/prices/prices")["id"]
    flow_run = api.post(
        f"/deployments/{found}/create_flow_run", {"parameters": {"tickers": ["IWM"]}}
    ).json()
    try:
        wait(lambda: audit(up, flow_run["id"]))
        wait(lambda: any("/chart/" in each["path"] for each in sandbox.requests()))
        yield flow_run["id"]
    finally:
        sandbox.clear_faults()
        sandbox.clear_requests()


def process_of(up: Home, flow_run: str) -> int:
    return int(audit(up, flow_run)["process"].rpartition(":")[2])


def test_automations_exist_once(api: Api, up: Home) -> None:
    stored = [each["name"] for each in api.post("/automations/filter", {}).json()]
    ours = sorted(name for name in stored if name.startswith(automations.PREFIX))
    assert ours == sorted({*ours})
    assert {"rotation: mark crashed runs", "rotation: mark runs without heartbeat as crashed"} <= {
        *ours
    }


@pytest.mark.slow
def test_run_cancelled_in_the_ui_is_cancelled_in_audit(api: Api, up: Home, hanging: str) -> None:
    api.post(f"/flow_runs/{hanging}/set_state", {"state": {"type": "CANCELLING"}})
    assert wait(lambda: state(api, hanging)) == "CANCELLED"
    assert wait(lambda: audit(up, hanging)["state"] != "running")
    assert audit(up, hanging)["state"] == "cancelled"


@pytest.mark.slow
def test_killed_run_is_marked_as_crashed(api: Api, up: Home, hanging: str) -> None:
    os.kill(process_of(up, hanging), signal.SIGKILL)
    assert wait(lambda: state(api, hanging)) == "CRASHED"
    wait(lambda: audit(up, hanging)["state"] == "crashed")


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_ended_worker_leaves_no_running_run(
    api: Api, up: Home, hanging: str, sign: signal.Signals
) -> None:
    worker = stack.status(up.settings)["prefect-worker"]
    assert isinstance(worker, dict)
    if sign == signal.SIGKILL:
        # the run too, so that no process is left to report
        os.kill(process_of(up, hanging), sign)
    os.killpg(worker["pid"], sign)
    # after SIGTERM the run reports its end; after SIGKILL the missing heartbeat shows it
    assert wait(lambda: state(api, hanging)) in ("CRASHED", "CANCELLED")
    wait(lambda: not Path(f"/proc/{worker['pid']}").exists())
    start(up)
    wait(lambda: audit(up, hanging)["state"] in ("cancelled", "crashed"))
