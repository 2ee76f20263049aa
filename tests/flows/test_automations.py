"""Notifications and runs triggered by a publication, on a real Prefect server."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deployments.stack import apply
from deployments.stack.notifications import NotifyError, to_apprise_url
from tests.deployments.conftest import Api
from tests.flows.replay import PROCESSES, Replay

SECRET = "s3cr3t-path"
EXPECTED = {
    "rotation: a run failed",
    "rotation: a run is degraded",
    "rotation: a run is late",
}
# a message takes the server a second or two, where it has the machine for itself
PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def prefect_api(prefect_server: dict[str, str]) -> Api:
    return Api(prefect_server["PREFECT_API_URL"], prefect_server["PREFECT_API_AUTH_STRING"])


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[str, "queue.Queue[dict[str, Any]]"]]:
    """A web hook: its address and the received messages."""
    received: queue.Queue[dict[str, Any]] = queue.Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.put(content | {"path": self.path})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{hook.server_port}/{SECRET}?token=abc", received
    hook.shutdown()
    hook.server_close()


@pytest.fixture(scope="module")
def applied(
    prefect_api: Api, prefect_server: dict[str, str], receiver: tuple[str, Any]
) -> Iterator[dict[str, str]]:
    """The environment after the automations were applied; those that tell are gone afterwards."""
    # a deployment that one of them calls, and that `rotation up` would have made
    flow = prefect_api.post("/flows/", {"name": "mark-crashed-runs"}).json()["id"]
    prefect_api.post("/deployments/", {"name": "mark-crashed-runs", "flow_id": flow})
    environment = prefect_server | {"ROTATION_NOTIFY_URL": receiver[0]}
    apply_automations(environment)
    yield environment
    apply_automations(prefect_server | {"ROTATION_NOTIFY_URL": ""})


def apply_automations(environment: dict[str, str]) -> None:
    """What `deployments.stack.apply` does, in a process that has imported Prefect already."""
    process = PROCESSES.Process(target=_apply, args=(environment,))
    process.start()
    process.join()
    assert process.exitcode == 0


def _apply(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    apply.main()


def ours(prefect_api: Api) -> dict[str, dict[str, Any]]:
    held = prefect_api.post("/automations/filter", {}).json()
    return {each["name"]: each for each in held if each["name"].startswith("rotation: ")}


@pytest.fixture(scope="module")
def deployment(prefect_api: Api) -> tuple[str, str]:
    """The ids of a flow and of a deployment of it, which no worker runs."""
    flow = prefect_api.post("/flows/", {"name": "watched"}).json()["id"]
    made = prefect_api.post("/deployments/", {"name": "watched", "flow_id": flow})
    return flow, made.json()["id"]


@pytest.fixture
def end(prefect_api: Api, deployment: tuple[str, str]) -> Callable[..., None]:
    """Ends a new run, of the deployment or without one, in a state."""

    def set_state(of_deployment: bool, **state: str) -> None:
        flow, deployed = deployment
        if of_deployment:
            made = prefect_api.post(f"/deployments/{deployed}/create_flow_run", {})
        else:
            made = prefect_api.post("/flow_runs/", {"flow_id": flow})
        answer = prefect_api.post(
            f"/flow_runs/{made.json()['id']}/set_state", {"state": state, "force": True}
        )
        assert answer.json()["status"] == "ACCEPT", answer.text

    return set_state


def test_applying_twice_is_applying_once(prefect_api: Api, applied: dict[str, str]) -> None:
    before = ours(prefect_api)
    assert before.keys() > EXPECTED
    # what the user switched off stays off
    off = before["rotation: a run is late"]["id"]
    prefect_api._http.patch(
        f"/automations/{off}", json={"enabled": False}, headers=prefect_api.token()
    ).raise_for_status()
    apply_automations(applied)
    after = ours(prefect_api)
    changing = {"created", "updated"}
    for name, held in before.items():
        again = {k: v for k, v in after[name].items() if k not in changing}
        if name == "rotation: a run is late":
            assert again.pop("enabled") is False
            again["enabled"] = True
        expected = {k: v for k, v in held.items() if k not in changing}
        for each in (again, expected):
            del each["trigger"]["id"]
            # sets, which come in any order
            for events in ("after", "expect"):
                each["trigger"][events].sort()
        assert again == expected


def test_the_address_is_kept_encrypted_and_shown_nowhere(
    prefect_api: Api, applied: dict[str, str]
) -> None:
    shown = prefect_api.post("/block_documents/filter", {}).text + json.dumps(ours(prefect_api))
    assert "rotation-notify" in shown
    assert SECRET not in shown


def test_without_an_address_no_notification_is_sent(
    prefect_api: Api, applied: dict[str, str], prefect_server: dict[str, str]
) -> None:
    apply_automations(prefect_server | {"ROTATION_NOTIFY_URL": ""})
    assert ours(prefect_api).keys().isdisjoint(EXPECTED)
    assert "rotation-notify" not in prefect_api.post("/block_documents/filter", {}).text
    apply_automations(applied)
    assert ours(prefect_api).keys() > EXPECTED


def test_an_address_that_is_none_is_refused_without_being_quoted(
    applied: dict[str, str], prefect_server: dict[str, str]
) -> None:
    variables = prefect_server | {"ROTATION_NOTIFY_URL": f"gopher://{SECRET}"}
    refused = subprocess.run(
        [sys.executable, "-m", "deployments.stack.apply"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert "ROTATION_NOTIFY_URL starts with 'gopher'" in refused.stderr
    assert SECRET not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://example.com/a/b?x=1", "jsons://example.com/a/b?-x=1"),
        ("http://127.0.0.1:81/", "json://127.0.0.1:81/"),
        ("mailtos://u:p@example.com?to=a@example.org", None),
        ("https://discord.com/api/webhooks/1234/abcd", None),
    ],
)
def test_addresses(url: str, taken: str | None) -> None:
    assert to_apprise_url(url) == (taken or url)


@pytest.mark.parametrize("url", ["example.com/hook", "https://", "file:///etc/passwd", ""])
def test_no_addresses(url: str) -> None:
    with pytest.raises(NotifyError):
        to_apprise_url(url)


@pytest.mark.parametrize(
    "state",
    [
        {"type": "FAILED", "name": "Failed"},
        pytest.param({"type": "CRASHED", "name": "Crashed"}, marks=pytest.mark.slow),
        {"type": "COMPLETED", "name": "Degraded"},
    ],
    ids=lambda state: state["name"],
)
def test_a_failed_run_is_notified_once(
    applied: dict[str, str],
    receiver: tuple[str, "queue.Queue[dict[str, Any]]"],
    end: Callable[..., None],
    state: dict[str, str],
) -> None:
    _, received = receiver
    # a flow that a deployment's flow called: the deployment's own run tells of it
    end(False, **state, message="of a part")
    end(True, **state, message="3 throttled: AAA, BBB, CCC")
    told = received.get(timeout=PATIENCE_SECONDS)
    assert told["title"] == f"watched: {state['name']}"
    assert "3 throttled: AAA, BBB, CCC" in told["message"]
    assert "/runs/flow-run/" in told["message"]
    assert told["path"] == f"/{SECRET}?token=abc"
    end(True, type="COMPLETED", name="Completed")
    with pytest.raises(queue.Empty):
        received.get(timeout=2)


@pytest.mark.slow
def test_a_run_that_does_not_start_is_notified(
    prefect_api: Api,
    applied: dict[str, str],
    receiver: tuple[str, "queue.Queue[dict[str, Any]]"],
    end: Callable[..., None],
) -> None:
    """The same automation with the shortest patience that Prefect knows."""
    held = ours(prefect_api)["rotation: a run is late"]
    held["trigger"]["within"] = 10
    said = {name: held[name] for name in ("name", "trigger", "actions")} | {"enabled": True}
    changed = prefect_api._http.put(
        f"/automations/{held['id']}", json=said, headers=prefect_api.token()
    )
    assert changed.status_code == 204, changed.text
    end(True, type="SCHEDULED", name="Late")
    told = receiver[1].get(timeout=PATIENCE_SECONDS)
    assert told["title"] == "watched: Late"


@pytest.mark.slow
def test_a_publication_runs_a_deployment_that_follows_it(
    prefect_api: Api, deployment: tuple[str, str], replay: Replay
) -> None:
    _, deployed = deployment
    table = "{{ event.payload.table }}"
    made = prefect_api.post(
        "/automations/",
        {
            "name": "downstream",
            "trigger": {
                "type": "event",
                "posture": "Reactive",
                "expect": ["rotation.published"],
                "match": {
                    "prefect.resource.id": [
                        "rotation.table.daily_price",
                        "rotation.table.corporate_action",
                    ]
                },
                "threshold": 1,
                "within": 0,
            },
            "actions": [
                {
                    "type": "run-deployment",
                    "source": "selected",
                    "deployment_id": deployed,
                    "parameters": {"table": table, "new": "{{ event.payload.new }}"},
                }
            ],
        },
    )
    assert made.status_code == 201, made.text
    try:
        assert replay.run("prices", tickers=["IWM", "SPY"]).state == "Completed"
        rows = {
            table: replay.column(f"select count(*) from published.{table}")[0]
            for table in ("daily_price", "corporate_action")
        }
        assert all(rows.values())
        run_filter = {
            "deployments": {"id": {"any_": [deployed]}},
            "flow_runs": {"parent_flow_run_id": None},
        }
        ended = threading.Event()
        for _ in range(PATIENCE_SECONDS):
            runs = prefect_api.post("/flow_runs/filter", run_filter).json()
            started = [run["parameters"] for run in runs if run["parameters"]]
            if len(started) == len(rows) or ended.wait(1):
                break
        assert {each["table"]: each["new"] for each in started} == rows
        assert len(started) == len(rows)
    finally:
        prefect_api._http.delete(f"/automations/{made.json()['id']}", headers=prefect_api.token())
