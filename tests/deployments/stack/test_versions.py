"""A Prefect server of another version is refused in one sentence; each server here is real HTTP."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from deployments.stack import prefect_server, stack
from deployments.stack.processes import Service, ServiceError
from deployments.stack.versions import VersionMismatch, require_same_version
from tests.deployments.conftest import Home
from warehouse.server.local import free_port
from warehouse.settings import Settings

# replies as Prefect's server, whose requests need the login
SERVER = """
import base64, http.server, json, os
env = os.environ
login = "Basic " + base64.b64encode(env["PREFECT_API_AUTH_STRING"].encode()).decode()
pages = {"/api/admin/version": env["SERVED"], "/api/admin/settings": {"home": env["PREFECT_HOME"]}}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path in pages and self.headers["Authorization"] == login
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(json.dumps(pages.get(self.path) if known else "").encode())
port = int(env["PREFECT_SERVER_API_PORT"])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def serve(settings: Settings, served_version: str) -> dict[str, str]:
    """Start the server of a state folder with a version; return the environment of its clients."""
    port = free_port()
    environment = prefect_server.prefect_environment(settings, port)
    service = Service(settings.home.absolute(), "prefect-server")
    variables = os.environ | environment | {"SERVED": served_version}
    service.start([sys.executable, "-c", SERVER], variables, port=port)
    return environment


@pytest.fixture
def served(request: pytest.FixtureRequest, settings: Settings) -> Iterator[dict[str, str]]:
    yield serve(settings, request.param)
    prefect_server.stop_server(settings)


@pytest.mark.parametrize("served", ["3.8.8"], indirect=True)
def test_server_of_another_version_is_refused(settings: Settings, served: dict[str, str]) -> None:
    """A server that was started before an upgrade runs on."""
    with pytest.raises(VersionMismatch) as refused:
        prefect_server.start_server(settings)
    assert f"has version 3.8.8, and this installation {version('prefect')}" in str(refused.value)
    check = [sys.executable, "-m", "deployments.stack.versions"]
    done = subprocess.run(check, env=os.environ | served, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [str(refused.value)]


@pytest.mark.slow
def test_make_up_ends_in_one_sentence_and_starts_no_worker(empty_home: Home) -> None:
    serve(empty_home.settings, "3.8.8")
    done = empty_home.rotation("up", check=False)
    assert done.returncode == 1
    *warnings, sentence = done.stdout.splitlines() + done.stderr.splitlines()
    assert sentence.startswith("VersionMismatch: The Prefect server at http://127.0.0.1:")
    assert "make down and make up" in sentence
    assert all("is not set" in each for each in warnings)
    assert not stack.is_worker_running(empty_home.settings)


@pytest.mark.parametrize("served", [version("prefect")], indirect=True)
def test_server_of_the_same_version_is_used(settings: Settings, served: dict[str, str]) -> None:
    assert prefect_server.start_server(settings) == served
    assert require_same_version(served) == version("prefect")


def test_server_that_does_not_reply_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    check = [sys.executable, "-m", "deployments.stack.versions"]
    variables = os.environ | {"PREFECT_API_URL": url}
    done = subprocess.run(check, env=variables, capture_output=True, text=True)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"The Prefect server at {url} sent no version")


@pytest.mark.slow
def test_deployments_that_cannot_be_applied_say_why() -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with pytest.raises(ServiceError, match=r"(?s)deployments failed:.*connection attempts failed"):
        stack.deploy({"PREFECT_API_URL": url})
