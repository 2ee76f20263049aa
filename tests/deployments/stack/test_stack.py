"""The local stack, from `up` to `down`: what it serves, to whom, and what is left of it."""

import socket
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from pydantic import SecretStr
from typer.testing import CliRunner

from deployments.cli import app
from deployments.stack import prefect_server, stack
from deployments.stack.processes import Service, ServiceError
from tests.deployments.conftest import Api, Home, Up, start, wait
from warehouse.backup.checksum import TABLES
from warehouse.connect.connections import warehouse_dsn
from warehouse.settings import Settings

PREFECT_FILE = Path(stack.PREFECT_FILE)
DEPLOYMENTS = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]
NAMES = {each["name"] for each in DEPLOYMENTS}


def deployment(api: Api, name: str) -> str:
    """The id of a deployment; its flow has the same name."""
    found: str = api.get(f"/deployments/name/{name}/{name}")["id"]
    return found


def wait_for(api: Api, flow_run: str) -> dict[str, str]:
    """The final state of a flow run."""

    def final() -> dict[str, str] | None:
        state: dict[str, str] = api.get(f"/flow_runs/{flow_run}")["state"]
        return state if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    return wait(final, 600)


@pytest.mark.parametrize("entrypoint", [each["entrypoint"] for each in DEPLOYMENTS])
def test_every_entrypoint_is_a_flow(entrypoint: str) -> None:
    module, _, function = entrypoint.rpartition(".")
    assert getattr(import_module(module), function).name == module.rpartition(".")[2]


def test_every_deployment_of_the_file_is_there(api: Api) -> None:
    held = api.post("/deployments/filter", {}).json()
    assert {each["name"] for each in held} == NAMES
    assert {each["entrypoint"] for each in held} == {d["entrypoint"] for d in DEPLOYMENTS}
    assert {each["work_pool_name"] for each in held} == {stack.POOL}
    assert {each["global_concurrency_limit"]["limit"] for each in held} == {1}


def test_runs_are_scheduled(up: Up) -> None:
    """With SQLAlchemy 2.1 the scheduler failed on every pass and said so nowhere."""
    assert up.scheduled == {each["name"] for each in DEPLOYMENTS if each.get("schedules")}


def test_all_of_it_listens_on_this_machine_only(up: Home) -> None:
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
def test_the_server_refuses_a_hostile_parameter(
    api: Api, name: str, parameters: dict[str, list[str]]
) -> None:
    path = f"/deployments/{deployment(api, name)}/create_flow_run"
    refused = api.post(path, {"parameters": parameters})
    assert refused.status_code in (409, 422), refused.text
    [(parameter, _)] = parameters.items()
    assert f"field '{parameter}[0]'" in refused.text


def test_the_worker_runs_what_is_asked_for(api: Api, up: Home) -> None:
    path = f"/deployments/{deployment(api, 'prices')}/create_flow_run"
    answer = api.post(path, {"parameters": {"tickers": ["IWM", "SPY"]}})
    state = wait_for(api, answer.json()["id"])
    assert state["name"] == "Completed", state
    held = "select distinct ticker from published.daily_price order by 1"
    assert up.rotation("sql", held).stdout.split()[2:4] == ["IWM", "SPY"]


def test_a_check_that_begins_too_late_judges_nothing(api: Api) -> None:
    """So that those which a worker that was down finds waiting do not all tell of it."""
    due = datetime.now(UTC) - timedelta(hours=2)
    waiting = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
    path = f"/deployments/{deployment(api, 'health')}/create_flow_run"
    state = wait_for(api, api.post(path, {"state": waiting}).json()["id"])
    said = f"Due at {due:%Y-%m-%d %H:%M} UTC, too late: the next one judges."
    assert (state["name"], state["message"]) == ("Completed", said)


def create_backfill(api: Api, **parameters: Any) -> Any:
    path = f"/deployments/{deployment(api, 'backfill')}/create_flow_run"
    return api.post(path, {"parameters": parameters})


def test_the_form_of_a_backfill_says_what_each_field_is_and_what_it_may_be(api: Api) -> None:
    schema = api.get("/deployments/name/backfill/backfill")["parameter_openapi_schema"]
    fields = schema["properties"]
    assert all(field["description"] and "default" in field for field in fields.values())
    assert fields["dataset"]["enum"] == ["prices", "macro", "holdings", "filings"]
    assert fields["mode"]["enum"] == ["missing", "failed", "stale", "all"]
    assert fields["index"]["enum"] == ["none", "R2000", "SP500", "SP600", "SP400"]
    assert (fields["start"]["format"], fields["end"]["format"]) == ("date", "date")
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
def test_the_server_refuses_what_the_form_of_a_backfill_does_not_offer(
    api: Api, field: str, value: Any
) -> None:
    refused = create_backfill(api, **{field: value})
    assert refused.status_code == 409, refused.text
    assert f"field '{field}'" in refused.text


def test_a_backfill_from_the_form_leaves_its_plan_progress_and_result(api: Api) -> None:
    parameters = {"dataset": "prices", "tickers": ["IWM", "XBI"], "parallelism": 2}
    # whatever other tests have loaded
    run_id = create_backfill(api, **parameters, mode="all").json()["id"]
    state = wait_for(api, run_id)
    assert state["name"] == "Completed", state
    found = api.post("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run_id]}}}).json()
    shown = {each["key"]: each["data"] for each in found}
    keys = {f"backfill-prices-{what}" for what in ("plan", "progress", "result")}
    assert set(shown) == keys
    assert "2 tickers to ask for" in shown["backfill-prices-plan"]
    assert float(shown["backfill-prices-progress"]) == 100
    assert "| daily_price |" in shown["backfill-prices-result"]

    again = wait_for(api, create_backfill(api, **parameters).json()["id"])
    assert again["message"].startswith("Nothing to do: of 2 tickers, none misses a row")


def test_a_run_that_fails_says_so_in_words_that_help_and_no_more(api: Api) -> None:
    path = f"/deployments/{deployment(api, 'health')}/create_flow_run"
    unwell = api.post(path, {"parameters": {}}).json()["id"]
    run_id = create_backfill(api, start="2025-12-25", end="2025-12-25").json()["id"]
    state = wait_for(api, run_id)
    assert state["type"] == "FAILED"
    assert "weekends, holidays" in state["message"]
    assert wait_for(api, unwell)["message"].startswith("late: ")
    # the next one's end shows that the first one's process, whose log is looked at, has ended
    later = wait_for(
        api, create_backfill(api, tickers=["IWM"], mode="all", dry_run=True).json()["id"]
    )
    assert later["message"].startswith("Plan only: 1 ticker to ask for")
    asked = {"logs": {"flow_run_id": {"any_": [run_id, unwell]}}}
    logs = api.post("/logs/filter", asked).json()
    assert not [line for line in logs if "Traceback" in line["message"]]


@pytest.mark.slow
def test_a_backfill_from_the_command_line_shows_the_plan_and_the_end(up: Home) -> None:
    done = up.rotation("backfill", "prices", "--ticker", "RSP", "--dry-run")
    assert "1 ticker to ask for" in done.stdout
    assert "Completed: Plan only: 1 ticker" in done.stdout
    refused = up.rotation("backfill", "macro", "--series", "UNRAT", check=False)
    assert refused.returncode == 1
    assert "Was UNRATE meant?" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("last_words", "is_taken"),
    [
        ("Port 4200 is already in use. Please specify a different port", True),
        ("error while attempting to bind on address: address already in use", True),
        ("no such table: alembic_version", False),
    ],
)
def test_a_server_that_ends_is_told_apart_by_its_words(
    tmp_path: Path, last_words: str, is_taken: bool
) -> None:
    """Whoever has its port need not answer: one that is starting itself does not, yet."""
    service = Service(tmp_path, "prefect-server")
    port = prefect_server.free_port()
    environment = prefect_server.prefect_environment(Settings(home=tmp_path), port)
    service.start([sys.executable, "-c", f"print({last_words!r})"], environment, port=port)
    if is_taken:
        assert prefect_server._wait_until_ready(service, environment) is False
    else:
        with pytest.raises(ServiceError, match=last_words):
            prefect_server._wait_until_ready(service, environment)


def test_a_server_whose_port_another_one_took_listens_at_the_next(
    api: Api, empty_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two state folders that start at once find the same port free."""
    settings = empty_home.settings
    taken, free = urlsplit(api.url).port, prefect_server.free_port()
    ports = [taken, free]
    monkeypatch.setattr(prefect_server, "free_port", lambda preferred: ports.pop(0))
    stack.start_database(settings)
    environment = prefect_server.start_server(settings)
    assert urlsplit(environment["PREFECT_API_URL"]).port == free
    assert prefect_server.start_server(settings) == environment
    own = Api(environment["PREFECT_API_URL"], prefect_server.ui_login(settings))
    assert own.post("/deployments/filter", {}).json() == []
    # the other one is as it was
    assert {each["name"] for each in api.post("/deployments/filter", {}).json()} == NAMES
    changed = settings.model_copy(update={"ui_password": SecretStr("another")})
    with pytest.raises(ServiceError, match="does not take the password"):
        prefect_server.start_server(changed)


@pytest.mark.slow
def test_starting_it_again_leaves_a_stack_that_works(api: Api, up: Home) -> None:
    start(up)
    path = f"/deployments/{deployment(api, 'prices')}/create_flow_run"
    state = wait_for(api, api.post(path, {"parameters": {"tickers": ["QQQ"]}}).json()["id"])
    assert state["name"] == "Completed", state
    assert "QQQ" in up.rotation("sql", "select ticker from published.daily_price").stdout


def test_a_run_from_the_command_line_meets_the_same_providers(up: Home) -> None:
    done = up.rotation("run", "holdings")
    assert "index_membership: 2" in done.stdout + done.stderr
    assert up.settings.origin == "simulated-11"


def test_status_says_what_runs_and_what_is_held(up: Home) -> None:
    said = up.rotation("status").stdout
    for name in ("postgres", "prefect-server", "prefect-worker", "sandbox"):
        assert f"{name:<15} running" in said
    assert "daily_price" in said
    assert "simulated-11" in said


def test_health_says_what_is_wrong_and_fails(up: Home) -> None:
    """Other tests ask for prices and members; nobody asks for macro series."""
    done = up.rotation("health", check=False, ROTATION_HEALTH_FREE_GB="0")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "late: macro_observation DFF: no rows; never requested" in lines
    assert not any(line.startswith(("service: ", "clock: ", "disk: ")) for line in lines), lines


def test_the_commands_that_look(up: Home) -> None:
    assert up.rotation("dsn").stdout.startswith("postgresql://rotation_reader:")
    home = {"ROTATION_HOME": str(up.folder)}
    for role in ("loader", "owner"):
        said = CliRunner().invoke(app, ["dsn", "--role", role], env=home).stdout
        assert said.startswith(f"postgresql://rotation_{role}:")
    assert up.rotation("sql", "select 6 * 7 as answer").stdout.split()[2] == "42"
    lines = up.rotation("checksum").stdout.splitlines()
    assert [line.split()[2] for line in lines] == [*TABLES]


def test_the_reader_of_sql_can_change_nothing(up: Home) -> None:
    refused = up.rotation("sql", "delete from core.daily_price", check=False)
    assert refused.returncode != 0
    assert "permission denied" in refused.stderr


def test_help_names_every_command() -> None:
    said = CliRunner().invoke(app, ["--help"]).output
    for name in (
        "demo",
        "up",
        "down",
        "status",
        "run",
        "health",
        "dsn",
        "sql",
        "checksum",
        "backup",
        "restore",
    ):
        assert f" {name} " in said
        assert "Usage" in CliRunner().invoke(app, [name, "--help"]).output


def test_a_flow_that_is_none_is_refused_with_the_names_of_those_that_are() -> None:
    refused = CliRunner().invoke(app, ["run", "weather"])
    assert refused.exit_code == 2
    assert "daily" in refused.output
