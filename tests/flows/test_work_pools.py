"""The templates of the Docker and Kubernetes work pools, given to a real Prefect server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from deployments.stack.automations import HEARTBEAT_TIMEOUT

ROOT = Path(__file__).parents[2]
TEMPLATES = {
    name: ROOT / "deployments" / name / "work_pool.json" for name in ("docker", "kubernetes")
}
SECRETS = ("DATABASE_URL", "ROTATION_SEC_USER_AGENT", "FRED_API_KEY", "TIINGO_API_KEY")
each_pool = pytest.mark.parametrize("name", [*TEMPLATES])


@each_pool
def test_prefect_accepts_the_template(name: str, prefect_server: dict[str, str]) -> None:
    template = json.loads(TEMPLATES[name].read_text())
    login = {
        PREFECT_API_URL: prefect_server["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: prefect_server["PREFECT_API_AUTH_STRING"],
    }
    pool = WorkPoolCreate(name=f"{name}-template", type=name, base_job_template=template)
    with temporary_settings(login), get_client(sync_client=True) as client:
        # the server refuses a template that uses variables it does not declare
        assert client.create_work_pool(pool).base_job_template == template


@each_pool
def test_no_secret_is_part_of_a_template(name: str) -> None:
    text = TEMPLATES[name].read_text()
    job = json.loads(text)["job_configuration"]
    if name == "docker":
        defaults = json.loads(text)["variables"]["properties"]
        for variable in SECRETS:
            field = job["env"][variable].strip("{} ")
            assert defaults[field]["default"].startswith("{{ prefect.blocks.secret.")
    else:
        [container] = job["job_manifest"]["spec"]["template"]["spec"]["containers"]
        assert container["envFrom"] == [{"secretRef": {"name": "{{ secret_name }}"}}]
        assert not any(variable in json.dumps(container) for variable in SECRETS)
        secret = json.loads(text)["variables"]["properties"]["secret_name"]
        assert all(variable in secret["description"] for variable in SECRETS)


@each_pool
def test_runs_send_the_heartbeats_that_the_automation_waits_for(name: str) -> None:
    job = json.loads(TEMPLATES[name].read_text())["job_configuration"]
    environment = job.get("env")
    if name == "kubernetes":
        # Prefect's worker puts the variables of the run before a list
        [container] = job["job_manifest"]["spec"]["template"]["spec"]["containers"]
        environment = {each["name"]: each["value"] for each in container["env"]}
    seconds = int(environment["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    assert 3 * seconds <= HEARTBEAT_TIMEOUT.total_seconds()


def test_both_pools_run_the_image_of_the_compose_file() -> None:
    compose = (ROOT / "deployments" / "docker" / "compose.yaml").read_text()
    for path in TEMPLATES.values():
        image = json.loads(path.read_text())["variables"]["properties"]["image"]["default"]
        assert f"image: {image}\n" in compose


@pytest.mark.slow
@each_pool
def test_prefect_deploys_into_the_pool(name: str, prefect_server: dict[str, str]) -> None:
    def prefect(*arguments: str) -> str:
        command = [sys.executable, "-m", "prefect", *arguments]
        return subprocess.run(
            command, env=os.environ | prefect_server, cwd=ROOT, check=True, text=True,
            stdout=subprocess.PIPE,
        ).stdout  # fmt: skip

    template = ("--base-job-template", str(TEMPLATES[name]))
    prefect("work-pool", "create", "rotation", "--type", name, *template, "--overwrite")
    deployed = prefect(
        *("--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml")
    )
    assert "successfully created" in deployed
    assert "does not" not in deployed
    prefect("--no-prompt", "work-pool", "delete", "rotation")
