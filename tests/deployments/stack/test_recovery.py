"""Runs under the worker that are cancelled, killed, or lose all that stood behind them."""

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

# a provider that never answers keeps a run running for as long as a test needs
HANG = {"host": "yahoo.com", "path": "/chart/", "count": None, "seconds": 600}
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def audit(up: Home, flow_run: str) -> dict[str, Any]:
    """State and process of a flow run in `audit.run`; empty where it is not there yet."""
    with connect(up.settings) as connection:
        row = connection.execute(
            "select state, process from audit.run where flow_run_id = %s", (flow_run,)
        ).fetchone()
    return dict(zip(("state", "process"), row, strict=True)) if row else {}


def state(api: Api, flow_run: str) -> str:
    """The type of a flow run's state, where it has ended."""
    kind: str = api.get(f"/flow_runs/{flow_run}")["state"]["type"]
    return kind if kind in ENDED else ""


@pytest.fixture
def hanging(api: Api, up: Home) -> Iterator[str]:
    """A run of prices under the worker that waits for Yahoo."""
    sandbox = Sandbox.attach(stack.sandbox_home(up.settings))
    # others of these tests asked, too
    sandbox.clear_requests()
    sandbox.add_fault("hang", **HANG)
    found = api.get("/deployments/name/prices/prices")["id"]
    answer = api.post(
        f"/deployments/{found}/create_flow_run", {"parameters": {"tickers": ["IWM"]}}
    ).json()
    try:
        wait(lambda: audit(up, answer["id"]))
        wait(lambda: any("/chart/" in each["path"] for each in sandbox.requests()))
        yield answer["id"]
    finally:
        sandbox.clear_faults()
        sandbox.clear_requests()


def process_of(up: Home, flow_run: str) -> int:
    return int(audit(up, flow_run)["process"].rpartition(":")[2])


def test_the_automations_are_there_once(api: Api, up: Home) -> None:
    held = [each["name"] for each in api.post("/automations/filter", {}).json()]
    ours = sorted(name for name in held if name.startswith(automations.PREFIX))
    assert ours == sorted({*ours})
    assert {"rotation: mark crashed runs", "rotation: mark runs without heartbeat as crashed"} <= {
        *ours
    }


def test_a_run_that_is_cancelled_in_the_ui_ends_so_everywhere(
    api: Api, up: Home, hanging: str
) -> None:
    api.post(f"/flow_runs/{hanging}/set_state", {"state": {"type": "CANCELLING"}})
    assert wait(lambda: state(api, hanging)) == "CANCELLED"
    assert wait(lambda: audit(up, hanging)["state"] != "running")
    assert audit(up, hanging)["state"] == "cancelled"


@pytest.mark.slow
def test_a_run_that_is_killed_is_marked_without_another_run(
    api: Api, up: Home, hanging: str
) -> None:
    os.kill(process_of(up, hanging), signal.SIGKILL)
    assert wait(lambda: state(api, hanging)) == "CRASHED"
    wait(lambda: audit(up, hanging)["state"] == "crashed")


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_ends_leaves_no_run_running(
    api: Api, up: Home, hanging: str, sign: signal.Signals
) -> None:
    facts = stack.status(up.settings)["prefect-worker"]
    assert isinstance(facts, dict)
    if sign == signal.SIGKILL:
        # with all that it started: nobody is left to say what happened
        os.kill(process_of(up, hanging), sign)
    os.killpg(facts["pid"], sign)
    # a process that is told to end does so in its own words; of the other only silence tells
    assert wait(lambda: state(api, hanging)) in ("CRASHED", "CANCELLED")
    wait(lambda: not Path(f"/proc/{facts['pid']}").exists())
    start(up)
    wait(lambda: audit(up, hanging)["state"] in ("cancelled", "crashed"))
