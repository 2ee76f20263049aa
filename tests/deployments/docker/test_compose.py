"""The compose file, checked without a container engine."""

import re
import shlex
import subprocess
import tomllib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from deployments.stack import prefect_server
from tests.test_project import variable
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

ROOT = Path(__file__).parents[3]
DOCKER = ROOT / "deployments" / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
EXAMPLE = (DOCKER / "compose.env.example").read_text()
each_service = pytest.mark.parametrize("name", sorted(SERVICES))
LONG_RUNNING = ("postgres", "prefect", "worker")
# settings that may be empty
OPTIONAL = (
    "FRED_API_KEY",
    "TIINGO_API_KEY",
    "ROTATION_SEC_USER_AGENT",
    "ROTATION_NOTIFY_URL",
)


def environment(name: str) -> dict[str, str]:
    return SERVICES[name].get("environment", {})


def test_database_server_and_worker_exist() -> None:
    assert set(SERVICES) >= set(LONG_RUNNING)
    assert SERVICES["postgres"]["volumes"][0] == "data:/var/lib/postgresql"


@each_service
def test_service_has_a_health_check_or_ends(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if name in LONG_RUNNING:
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert SERVICES[name]["restart"] == "unless-stopped"
    else:
        assert check == {"disable": True}
        assert SERVICES[name]["restart"] == "no"


@each_service
def test_service_waits_until_its_dependencies_are_ready(name: str) -> None:
    for other, options in SERVICES[name].get("depends_on", {}).items():
        ready = "service_healthy" if other in LONG_RUNNING else "service_completed_successfully"
        assert options == {"condition": ready}


@each_service
def test_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    if "build" in SERVICES[name]:
        first = re.findall(r"^FROM (\S+)", (DOCKER / "Dockerfile").read_text(), re.M)
        assert len(first) == 1
        assert re.fullmatch(r"python:3\.1[123]\.\d+-slim-\w+", first[0])
    else:
        assert re.fullmatch(r"[\w/]+:\d+\.\d+-\w+", image)


@each_service
def test_passwords_are_required(name: str) -> None:
    """Each variable is required or optional, without a default; no password is in the file."""
    for key, value in environment(name).items():
        for variable_name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", value):
            expected = ":-" if variable_name in OPTIONAL else ":?set it in compose.env"
            assert rest == expected, key
            assert re.search(rf"^{variable_name}=$", EXAMPLE, re.M), variable_name
        if re.search("PASSWORD|AUTH_STRING|DATABASE_URL|CONNECTION_URL", key):
            assert "${" in value, key


@each_service
def test_no_password_is_in_a_command(name: str) -> None:
    commands = [SERVICES[name].get("command", ""), SERVICES[name]["healthcheck"]]
    assert "${" not in str(commands)


def test_example_lists_every_variable_without_a_value() -> None:
    listed = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.M))
    assert set(listed.values()) == {""}
    used = set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yaml").read_text()))
    assert used == set(listed)


@each_service
def test_ports_are_bound_to_loopback(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")
    # both would circumvent that
    assert "network_mode" not in SERVICES[name]
    assert "privileged" not in SERVICES[name]


def test_only_prefect_has_a_port() -> None:
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["prefect"]
    assert "listen_addresses=" in SERVICES["postgres"]["command"]


@each_service
def test_service_has_no_root_privileges(name: str) -> None:
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    if "build" in SERVICES[name]:
        lines = (DOCKER / "Dockerfile").read_text().splitlines()
        assert [line for line in lines if line.startswith("USER ")] == ["USER rotation"]
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["read_only"] is True


@each_service
def test_settings_exist(name: str) -> None:
    known = {variable(field) for field in Settings.model_fields}
    prefect = set(_prefect_settings())
    for key in environment(name):
        if key == "PREFECT_DATABASE_PASSWORD" or key.startswith("PREFECT_LOGGING_LOGGERS_"):
            continue  # the database's own, and any logger's name
        if key.startswith("PREFECT_"):
            assert key in prefect, key
        elif name != "postgres" and key != "DO_NOT_TRACK":
            assert key in known, key


def _prefect_settings() -> list[str]:
    from prefect.settings.legacy import _get_settings_fields
    from prefect.settings.models.root import Settings as PrefectSettings

    return list(_get_settings_fields(PrefectSettings))


def test_worker_has_only_the_login_of_flows() -> None:
    variables = str(environment("worker"))
    assert "rotation_loader" in variables
    assert "${POSTGRES_PASSWORD" not in variables
    assert "POSTGRES_PASSWORD" not in str(environment("prefect")).replace("PREFECT_", "")


def test_prefect_settings_are_those_of_make_up(tmp_path: Path) -> None:
    """Except addresses, folders and passwords."""
    local = prefect_server.prefect_environment(Settings(_env_file=None, home=tmp_path), 4200)
    specific = re.compile(r"HOME|_PATH|_URL|_API_HOST|_API_PORT|AUTH_STRING|ORIGINS")
    common = {name: value for name, value in local.items() if not specific.search(name)}
    assert len(common) >= 8
    used = environment("prefect") | environment("worker")
    assert {name: used.get(name) for name in common} == common


def test_deployments_and_automations_are_applied() -> None:
    assert SERVICES["deploy"]["command"] == ["python", "-m", "deployments.stack.deploy"]
    assert find_spec("deployments.stack.deploy")


def test_python_in_commands_compiles_and_its_imports_exist() -> None:
    commands = [service.get("command", [""]) for service in SERVICES.values()]
    [code] = [command[2] for command in commands if command[:2] == ["python", "-c"]]
    imports, _, _ = code.rpartition(";")
    exec(compile(imports, "compose.yaml", "exec"))
    compile(code, "compose.yaml", "exec")


def test_postgres_has_the_version_of_the_embedded_server(tmp_path: Path) -> None:
    postgres = EmbeddedServer(tmp_path).program_folder() / "postgres"
    done = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True)
    number = re.search(r"\d+\.\d+", done.stdout)[0]
    assert SERVICES["postgres"]["image"].startswith(f"postgres:{number}-")


def test_server_and_worker_have_the_prefect_that_is_tested() -> None:
    """One image, of the lock; a server and a worker of two versions loop."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    images = {SERVICES[name]["image"] for name in ("prefect", "deploy", "worker")}
    assert images == {f"{project['name']}:{project['version']}"}
    pins = re.findall(r"^prefect==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    deployments = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())
    found = {*pins, deployments["prefect-version"], version("prefect")}
    assert len(found) == 1
    assert f"prefect=={found.pop()}" in project["dependencies"]


def test_worker_starts_only_with_the_version_of_the_server() -> None:
    check, _, start = SERVICES["worker"]["command"][2].partition(" && exec ")
    assert check == "python -m deployments.stack.versions"
    assert start.startswith("prefect worker start --pool rotation")


def test_volumes_are_declared_and_copied_files_exist() -> None:
    for name in SERVICES:
        for volume in SERVICES[name].get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"]
    copied = re.findall(r"^COPY (.+)$", (DOCKER / "Dockerfile").read_text(), re.M)
    allowed = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    for line in copied:
        for source in shlex.split(line)[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source}" in allowed
