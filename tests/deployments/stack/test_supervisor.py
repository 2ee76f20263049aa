"""Killed services come back, a run goes on meanwhile, and health tells."""

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from deployments.sandbox.client import Sandbox
from deployments.stack import stack
from deployments.stack.supervisor import restarts_since
from tests.deployments.conftest import Api, Home, wait
from warehouse.connect.connections import connect
from warehouse.connect.dsn import embedded_server

SERVICES = ("prefect-server", "prefect-worker")


def process_ids(up: Home) -> dict[str, int]:
    """Return the processes of the services that run."""
    found = stack.status(up.settings)
    ids = {name: state["pid"] for name in SERVICES if isinstance(state := found[name], dict)}
    if found["postgres"]:
        pid_file = embedded_server(up.settings).data / "postmaster.pid"
        ids["postgres"] = int(pid_file.read_text().splitlines()[0])
    return ids


def test_a_killed_worker_comes_back_and_health_tells(api: Api, up: Home) -> None:
    killed = process_ids(up)["prefect-worker"]
    begin = datetime.now(UTC).replace(microsecond=0)
    os.killpg(killed, signal.SIGKILL)
    wait(lambda: process_ids(up).get("prefect-worker", killed) != killed)
    wait(lambda: "prefect-worker" in restarts_since(up.settings, begin))
    lines = up.rotation("health", check=False).stdout.splitlines()
    (line,) = (each for each in lines if each.startswith("service: prefect-worker: "))
    assert "ended and was restarted" in line


@pytest.mark.slow
def test_killed_services_are_restarted_under_a_run(api: Api, up: Home) -> None:
    sandbox = Sandbox.attach(stack.sandbox_home(up.settings))
    sandbox.clear_requests()
    sandbox.add_fault("hang", host="yahoo.com", path="/chart/", count=1, seconds=20)
    deployment = api.get("/deployments/name/prices/prices")["id"]
    path = f"/deployments/{deployment}/create_flow_run"
    flow_run = api.post(path, {"parameters": {"tickers": ["IWM"]}}).json()["id"]
    wait(lambda: any("/chart/" in each["path"] for each in sandbox.requests()))

    before = process_ids(up)
    server = before["prefect-server"]
    os.killpg(server, signal.SIGKILL)
    os.kill(before["postgres"], signal.SIGKILL)
    wait(lambda: not Path(f"/proc/{server}/exe").exists())
    wait(lambda: len(found := process_ids(up)) == 3 and found["prefect-server"] != server)
    after = process_ids(up)
    assert after["postgres"] != before["postgres"]

    # the worker and the run found the server at its port again
    def is_completed() -> bool:
        with suppress(httpx.TransportError):  # the server is still starting
            return bool(api.get(f"/flow_runs/{flow_run}")["state"]["type"] == "COMPLETED")
        return False

    wait(is_completed)
    with connect(up.settings) as connection:
        row = connection.execute(
            "select state from audit.run where flow_run_id = %s", (flow_run,)
        ).fetchone()
    assert row == ("completed",)
    lines = up.rotation("health", check=False).stdout.splitlines()
    for name in ("postgres", "prefect-server"):
        (line,) = (each for each in lines if each.startswith(f"service: {name}: "))
        assert "ended and was restarted" in line
