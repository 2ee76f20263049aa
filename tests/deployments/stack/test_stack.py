"""The local stack: deployments, schedules, parameters, runs and commands."""

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic import SecretStr, TypeAdapter
from typer.testing import CliRunner

from deployments.cli import app
from deployments.stack import prefect_server, stack
from deployments.stack.database import start_database
from deployments.stack.processes import ServiceError
from tests.deployments.conftest import Api, Home, Up, start, wait
from warehouse.backup.checksum import TABLES
from warehouse.connect.dsn import warehouse_dsn

PREFECT_FILE = Path(stack.PREFECT_FILE)
DEPLOYMENTS = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]
NAMES = {each["name"] for each in DEPLOYMENTS}


def deployment(api: Api, name: str) -> str:
    """Return the id of a deployment whose flow has the same name."""
    found: str = api.get(f"/deployments/name/{name}/{name}")["id"]
    return found


def wait_for(api: Api, flow_run: str) -> dict[str, str]:
    """Return the final state of a flow run."""

    def final() -> dict[str, str] | None:
        state: dict[str, str] = api.get(f"/flow_runs/{flow_run}")["state"]
        return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    return wait(final, 600)


@pytest.mark.parametrize("entrypoint", [each["entrypoint"] for each in DEPLOYMENTS])
def test_every_entrypoint_is_a_flow(entrypoint: str) -> None:
    module, _, function = entrypoint.rpartition(".")
    name = module.rpartition(".")[2].replace("_", "-")
    assert getattr(import_module(module), function).name == name


def test_every_deployment_of_prefect_yaml_exists(api: Api) -> None:
    stored = api.post("/deployments/filter", {}).json()
    assert {each["name"] for each in stored} == NAMES
    assert {each["entrypoint"] for each in stored} == {d["entrypoint"] for d in DEPLOYMENTS}
    assert {each["work_pool_name"] for each in stored} == {stack.POOL}
    assert {each["global_concurrency_limit"]["limit"] for each in stored} == {1}


def test_server_deletes_runs_after_the_retention_period(api: Api, up: Home) -> None:
    vacuum = api.get("/admin/settings")["server"]["services"]["db_vacuum"]
    assert set(vacuum["enabled"]) >= {"events", "flow_runs"}
    days = timedelta(days=up.settings.run_retention_days)
    assert TypeAdapter(timedelta).validate_python(vacuum["retention_period"]) == days


def test_deployments_that_prefect_yaml_no_longer_lists_are_deleted(api: Api, up: Home) -> None:
    """A renamed deployment must not stay scheduled under its old name."""
    listed = api.get("/deployments/name/health/health")
    schedule = {"schedule": {"cron": "0 10 * * 6", "timezone": "America/New_York"}, "active": True}
    old = {
        "name": "prices-whole-history",
        "flow_id": listed["flow_id"],
        "entrypoint": listed["entrypoint"],
        "work_pool_name": stack.POOL,
        "schedules": [schedule],
    }
    # the same name as a listed one, of a flow that was renamed; and one of another project
    renamed_flow = old | {"name": "health", "flow_id": create_flow(api, "old-health")}
    renamed_flow |= {"entrypoint": "flows.old_health.check_health"}
    other = {"name": "other", "flow_id": listed["flow_id"]}
    for content in (old, renamed_flow, other):
        api.post("/deployments/", content).raise_for_status()
    subprocess.run(
        [sys.executable, "-m", "deployments.stack.apply"],
        env=os.environ | prefect_server.start_server(up.settings),
        check=True,
    )
    stored = api.post("/deployments/filter", {}).json()
    assert {each["name"] for each in stored} == NAMES | {"other"}
    assert len(stored) == len(NAMES) + 1
    assert api.get("/deployments/name/health/health")["id"] == listed["id"]
    [left] = [each["id"] for each in stored if each["name"] == "other"]
    api._http.delete(f"/deployments/{left}", headers=api.token()).raise_for_status()


def create_flow(api: Api, name: str) -> str:
    flow: str = api.post("/flows/", {"name": name}).json()["id"]
    return flow


def test_runs_are_scheduled(up: Up) -> None:
    """With SQLAlchemy 2.1 the scheduler of Prefect 3.8 failed silently."""
    assert up.scheduled == {each["name"] for each in DEPLOYMENTS if each.get("schedules")}


def test_all_services_listen_on_loopback_only(up: Home) -> None:
    listening: dict[int, set[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            pytest.skip("no /proc/net here")
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, port = local.partition(":")
            if state == "0A":
                listening.setdefault(int(port, 16), set()).add(address)
    status = stack.status(up.settings)
    postgres = urlsplit(warehouse_dsn(up.settings)).port
    ports = [postgres, *(status[name]["port"] for name in ("prefect-server", "sandbox"))]
    loopback = socket.inet_aton("127.0.0.1")[::-1].hex().upper()
    assert [listening[port] for port in ports] == [{loopback}] * 3


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("prices", {"tickers": ["AAPL'; drop table core.daily_price; --"]}),
        ("prices", {"tickers": ["../../etc"]}),
        ("prices", {"tickers": ["aapl"]}),
        ("prices", {"tickers": ["A" * 40]}),
        ("macro", {"series_ids": ["CPIAUCSL&api_key=x"]}),
        ("macro", {"series_ids": ["CPI AUCSL"]}),
        ("holdings", {"funds": ["../../IWM"]}),
    ],
)
def test_server_rejects_hostile_parameters(
    api: Api, name: str, parameters: dict[str, list[str]]
) -> None:
    path = f"/deployments/{deployment(api, name)}/create_flow_run"
    refused = api.post(path, {"parameters": parameters})
    assert refused.status_code in (409, 422), refused.text
    [(parameter, _)] = parameters.items()
    assert f"field '{parameter}[0]'" in refused.text


def test_worker_runs_a_deployment(api: Api, up: Home) -> None:
    path = f"/deployments/{deployment(api, 'prices')}/create_flow_run"
    response = api.post(path, {"parameters": {"tickers": ["IWM", "SPY"]}})
    state = wait_for(api, response.json()["id"])
    assert state["name"] == "Completed", state
    query = "select distinct ticker from published.daily_price order by 1"
    assert up.rotation("sql", query).stdout.split()[2:4] == ["IWM", "SPY"]


@pytest.mark.slow
def test_late_health_check_is_skipped(api: Api) -> None:
    """After worker downtime the queued health checks must not all send a message."""
    scheduled = datetime.now(UTC) - timedelta(hours=2)
    waiting = {"type": "SCHEDULED", "state_details": {"scheduled_time": scheduled.isoformat()}}
    path = f"/deployments/{deployment(api, 'health')}/create_flow_run"
    state = wait_for(api, api.post(path, {"state": waiting}).json()["id"])
    assert state["name"] == "Completed"
    # a busy worker starts it some minutes later still
    message = r"Started 1[2-5]\d minutes late; skipped, next check runs at schedule\."
    assert re.fullmatch(message, state["message"])


def create_backfill(api: Api, **parameters: Any) -> Any:
    path = f"/deployments/{deployment(api, 'backfill')}/create_flow_run"
    return api.post(path, {"parameters": parameters})


def test_backfill_form_describes_its_fields(api: Api) -> None:
    schema = api.get("/deployments/name/backfill/backfill")["parameter_openapi_schema"]
    fields = schema["properties"]
    assert all(field["description"] and "default" in field for field in fields.values())
    assert fields["dataset"]["enum"] == ["prices", "macro", "holdings", "filings"]
    assert fields["mode"]["enum"] == ["missing", "failed", "stale", "all"]
    assert fields["index"]["enum"] == ["all", "R2000", "SP500", "SP600", "SP400"]
    for name in ("start", "end"):
        assert [each.get("format") for each in fields[name]["anyOf"]] == ["date", None]
        assert fields[name]["default"] is None
    assert (fields["parallelism"]["minimum"], fields["parallelism"]["maximum"]) == (1, 8)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "weather"),
        ("mode", "some"),
        ("index", "R3000"),
        ("order", "by chance"),
        ("parallelism", 9),
        ("parallelism", 0),
        ("dry_run", "perhaps"),
    ],
)
def test_server_rejects_values_that_the_backfill_form_does_not_offer(
    api: Api, field: str, value: Any
) -> None:
    refused = create_backfill(api, **{field: value})
    assert refused.status_code == 409, refused.text
    assert f"field '{field}'" in refused.text


@pytest.mark.slow
def test_backfill_creates_plan_progress_and_result_artifacts(api: Api) -> None:
    parameters = {"dataset": "prices", "tickers": ["IWM", "XBI"], "parallelism": 2}
    # independent of what other tests have loaded
    run_id = create_backfill(api, **parameters, mode="all").json()["id"]
    state = wait_for(api, run_id)
    assert state["name"] == "Completed", state
    found = api.post("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run_id]}}}).json()
    shown = {each["key"]: each["data"] for each in found}
    keys = {f"backfill-prices-{what}" for what in ("plan", "progress", "result")}
    assert set(shown) == keys
    assert "2 tickers to fetch" in shown["backfill-prices-plan"]
    assert float(shown["backfill-prices-progress"]) == 100
    assert "| daily_price |" in shown["backfill-prices-result"]

    again = wait_for(api, create_backfill(api, **parameters).json()["id"])
    assert again["message"].startswith(
        "Nothing to do: 2 tickers, no gaps that a fetch could fill now"
    )


@pytest.mark.slow
def test_failed_run_has_a_message_and_no_traceback(api: Api) -> None:
    path = f"/deployments/{deployment(api, 'health')}/create_flow_run"
    failing = api.post(path, {"parameters": {}}).json()["id"]
    run_id = create_backfill(api, start="2025-12-25", end="2025-12-25").json()["id"]
    state = wait_for(api, run_id)
    assert state["type"] == "FAILED"
    assert "weekends, holidays" in state["message"]
    assert wait_for(api, failing)["message"].startswith("freshness: ")
    # when the next run has ended, the process of the first one has ended and its log is complete
    later = wait_for(
        api,
        # the form sends an empty date as null
        create_backfill(
            api, tickers=["IWM"], mode="all", start=None, end=None, dry_run=True
        ).json()["id"],
    )
    assert later["message"].startswith("Plan only: 1 ticker to fetch")
    logs_filter = {"logs": {"flow_run_id": {"any_": [run_id, failing]}}}
    logs = api.post("/logs/filter", logs_filter).json()
    assert not [line for line in logs if "Traceback" in line["message"]]


@pytest.mark.slow
def test_backfill_command_shows_plan_and_result(up: Home) -> None:
    done = up.rotation("backfill", "prices", "--ticker", "RSP", "--dry-run")
    assert "1 ticker to fetch" in done.stdout
    assert "Completed: Plan only: 1 ticker" in done.stdout
    refused = up.rotation("backfill", "macro", "--series", "UNRAT", check=False)
    assert refused.returncode == 1
    assert "Did you mean UNRATE?" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr


@pytest.mark.slow
def test_server_uses_another_port_if_the_first_is_taken(
    api: Api, empty_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two state folders that start at the same time find the same free port."""
    settings = empty_home.settings
    taken, free = urlsplit(api.url).port, prefect_server.free_port()
    ports = [taken, free]
    monkeypatch.setattr(prefect_server, "free_port", lambda preferred: ports.pop(0))
    start_database(settings)
    environment = prefect_server.start_server(settings)
    assert urlsplit(environment["PREFECT_API_URL"]).port == free
    assert prefect_server.start_server(settings) == environment
    own = Api(environment["PREFECT_API_URL"], prefect_server.ui_login(settings))
    assert own.post("/deployments/filter", {}).json() == []
    # the other server is unchanged
    assert {each["name"] for each in api.post("/deployments/filter", {}).json()} == NAMES
    changed = settings.model_copy(update={"ui_password": SecretStr("another")})
    with pytest.raises(ServiceError, match="does not accept the password"):
        prefect_server.start_server(changed)


@pytest.mark.slow
def test_second_start_leaves_a_working_stack(api: Api, up: Home) -> None:
    start(up)
    path = f"/deployments/{deployment(api, 'prices')}/create_flow_run"
    state = wait_for(api, api.post(path, {"parameters": {"tickers": ["QQQ"]}}).json()["id"])
    assert state["name"] == "Completed", state
    assert "QQQ" in up.rotation("sql", "select ticker from published.daily_price").stdout


@pytest.mark.slow
def test_run_command_uses_the_sandbox_of_the_stack(up: Home) -> None:
    done = up.rotation("run", "holdings")
    assert "index_membership: 2" in done.stdout + done.stderr
    assert up.settings.origin == "simulated-11"


def test_status_shows_services_and_row_counts(up: Home) -> None:
    output = up.rotation("status").stdout
    for name in ("postgres", "prefect-server", "prefect-worker", "sandbox"):
        assert f"{name:<15} running" in output
    assert "daily_price" in output
    assert "simulated-11" in output


def test_health_prints_issues_and_fails(up: Home) -> None:
    """Other tests fetch prices and members, but no macro series."""
    done = up.rotation("health", check=False, ROTATION_HEALTH_FREE_GB="0")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "freshness: macro_observation DFF: no rows; never requested" in lines
    assert not any(line.startswith(("service: ", "clock: ", "disk: ")) for line in lines), lines


def test_query_commands(up: Home) -> None:
    assert up.rotation("dsn").stdout.startswith("postgresql://rotation_sql:")
    home = {"ROTATION_HOME": str(up.folder)}
    for role in ("loader", "owner"):
        output = CliRunner().invoke(app, ["dsn", "--role", role], env=home).stdout
        assert output.startswith(f"postgresql://rotation_{role}:")
    assert up.rotation("sql", "select 6 * 7 as product").stdout.split()[2] == "42"
    lines = up.rotation("checksum").stdout.splitlines()
    assert [line.split()[2] for line in lines] == [*TABLES]


def test_sql_is_read_only_by_default(up: Home) -> None:
    refused = up.rotation("sql", "delete from core.daily_price", check=False)
    assert refused.returncode != 0
    assert "permission denied" in refused.stderr
