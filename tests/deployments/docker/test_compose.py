"""The compose file, as far as it can be judged without containers."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from deployments.stack import prefect_server
from tests.test_project import variable
from warehouse.settings import Settings

DEPLOYMENTS = Path(__file__).parents[3] / "deployments" / "docker"
COMPOSE = yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
EXAMPLE = (DEPLOYMENTS / "compose.env.example").read_text()
each_service = pytest.mark.parametrize("name", sorted(SERVICES))
LASTING = ("postgres", "prefect", "worker")
# without them it runs, and asks or tells less
OPTIONAL = ("FRED_API_KEY", "ROTATION_SEC_USER_AGENT", "ROTATION_NOTIFY_URL")


def environment(name: str) -> dict[str, str]:
    return SERVICES[name].get("environment", {})


def test_there_is_a_database_a_server_and_a_worker() -> None:
    assert set(SERVICES) >= set(LASTING)
    assert SERVICES["postgres"]["volumes"][0] == "data:/var/lib/postgresql"


@each_service
def test_it_is_watched_or_ends_by_itself(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if name in LASTING:
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert SERVICES[name]["restart"] == "unless-stopped"
    else:
        assert check == {"disable": True}
        assert SERVICES[name]["restart"] == "no"


@each_service
def test_it_waits_for_what_it_needs_to_be_ready(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        ready = "service_healthy" if other in LASTING else "service_completed_successfully"
        assert how == {"condition": ready}


@each_service
def test_its_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    if "build" in SERVICES[name]:
        first = re.findall(r"^FROM (\S+)", (DEPLOYMENTS / "Dockerfile").read_text(), re.M)
        assert len(first) == 1
        assert re.fullmatch(r"python:3\.1[123]\.\d+-slim-\w+", first[0])
    else:
        assert re.fullmatch(r"[\w/]+:\d+\.\d+-\w+", image)


@each_service
def test_it_starts_without_no_password(name: str) -> None:
    """A variable is demanded, or may be empty; none has a value of its own, none is written out."""
    for key, value in environment(name).items():
        for variable_name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", value):
            wanted = ":-" if variable_name in OPTIONAL else ":?set it in compose.env"
            assert rest == wanted, key
            assert re.search(rf"^{variable_name}=$", EXAMPLE, re.M), variable_name
        if re.search("PASSWORD|AUTH_STRING|DATABASE_URL|CONNECTION_URL", key):
            assert "${" in value, key


@each_service
def test_no_password_is_in_a_command(name: str) -> None:
    said = [SERVICES[name].get("command", ""), SERVICES[name]["healthcheck"]]
    assert "${" not in str(said)


def test_every_password_of_the_example_is_used_and_empty() -> None:
    named = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.M))
    assert set(named.values()) == {""}
    used = set(re.findall(r"\$\{(\w+)", (DEPLOYMENTS / "compose.yaml").read_text()))
    assert used == set(named)


@each_service
def test_its_ports_are_this_machines_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")
    # two ways around that
    assert "network_mode" not in SERVICES[name]
    assert "privileged" not in SERVICES[name]


def test_only_prefect_has_a_port() -> None:
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["prefect"]
    assert "listen_addresses=" in SERVICES["postgres"]["command"]


@each_service
def test_it_is_not_root(name: str) -> None:
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    if "build" in SERVICES[name]:
        lines = (DEPLOYMENTS / "Dockerfile").read_text().splitlines()
        assert [line for line in lines if line.startswith("USER ")] == ["USER rotation"]
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["read_only"] is True


@each_service
def test_its_settings_exist(name: str) -> None:
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


def test_the_worker_has_the_flows_login_alone() -> None:
    words = str(environment("worker"))
    assert "rotation_loader" in words
    assert "${POSTGRES_PASSWORD" not in words
    assert "POSTGRES_PASSWORD" not in str(environment("prefect")).replace("PREFECT_", "")


def test_prefect_is_told_what_make_up_tells_it(tmp_path: Path) -> None:
    """But for addresses, places and passwords, which containers have of their own."""
    own = prefect_server.prefect_environment(Settings(_env_file=None, home=tmp_path), 4200)
    of_the_place = re.compile(r"HOME|_PATH|_URL|_API_HOST|_API_PORT|AUTH_STRING|ORIGINS")
    told = {name: value for name, value in own.items() if not of_the_place.search(name)}
    assert len(told) >= 8
    held = environment("prefect") | environment("worker")
    assert {name: held.get(name) for name in told} == told


def test_deployments_and_automations_are_applied() -> None:
    said = " ".join(SERVICES["deploy"]["command"])
    assert "prefect --no-prompt deploy --all" in said
    assert "python -m deployments.stack.automations" in said


def test_every_volume_is_declared_and_every_file_is_there() -> None:
    for name in SERVICES:
        for volume in SERVICES[name].get("volumes", []):
            assert volume.split(":")[0] in COMPOSE["volumes"]
    copied = re.findall(r"^COPY (.+)$", (DEPLOYMENTS / "Dockerfile").read_text(), re.M)
    allowed = (DEPLOYMENTS / "Dockerfile.dockerignore").read_text().splitlines()
    for line in copied:
        for source in shlex.split(line)[:-1]:
            assert (DEPLOYMENTS.parents[1] / source).exists()
            assert f"!{source}" in allowed
