"""Access to Prefect: only with the password, and not for web pages."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from deployments.stack import stack
from tests.deployments.conftest import Api, Home

# a deployment that runs a program of an attacker
HOSTILE = {
    "name": "mine",
    "flow_id": "00000000-0000-0000-0000-000000000000",
    "pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "id"}}],
}


@pytest.fixture(scope="module")
def stranger(api: Api):
    """Return an HTTP client without the password."""
    with httpx.Client(base_url=api.url, trust_env=False, timeout=120) as http:
        yield http


def test_requests_without_the_password_are_rejected(api: Api, stranger: httpx.Client) -> None:
    # the server checks the CSRF token first, so send a valid one
    token = api.token()
    for path in ("/admin/version", "/admin/settings", "/csrf-token?client=x", "/flow_runs/count"):
        assert stranger.get(path).status_code == 401, path
    for path in ("/flow_runs/filter", "/deployments/filter", "/block_documents/filter"):
        assert stranger.post(path, json={}, headers=token).status_code == 401, path
        assert stranger.post(path, json={}).status_code == 403, path
    assert stranger.post("/deployments/", json=HOSTILE, headers=token).status_code == 401
    for wrong in (("rotation", ""), ("rotation", "wrong"), ("", "")):
        assert stranger.get("/admin/version", auth=wrong).status_code == 401
    # the health check needs no password
    assert stranger.get("/health").json() is True


def test_dns_rebinding_is_rejected(api: Api, stranger: httpx.Client) -> None:
    """The browser takes the server for the page's own host, so the page can read responses."""
    rebound = {"Host": f"elsewhere.example:{urlsplit(api.url).port}"}
    assert stranger.get("/csrf-token", params={"client": "x"}, headers=rebound).status_code == 401
    rebound |= api.token()
    assert stranger.post("/deployments/", json=HOSTILE, headers=rebound).status_code == 401


def test_other_origins_can_neither_read_nor_change(api: Api) -> None:
    """Even if the browser sends the password."""
    origin = {"Origin": "https://elsewhere.example"}
    prices = api.get("/deployments/name/prices/prices")["id"]
    assert api.post(f"/deployments/{prices}/create_flow_run", {}, origin).status_code == 403
    response = api._http.get("/csrf-token", params={"client": "page"}, headers=origin)
    assert "access-control-allow-origin" not in response.headers
    method = {**origin, "Access-Control-Request-Method": "POST"}
    assert api._http.options(f"/deployments/{prices}/create_flow_run", headers=method).is_error


def test_password_file_is_private(api: Api, up: Home) -> None:
    password = up.folder / "ui.password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert api.login == f"rotation:{password.read_text()}"
    assert len(password.read_text()) >= 32


def test_login_page_requires_the_password(api: Api) -> None:
    settings = httpx.get(api.url.removesuffix("/api") + "/ui-settings", trust_env=False).json()
    assert settings["auth"] == "BASIC"


def secrets(home: Home) -> dict[str, str]:
    """Return passwords by file name."""
    return {path.name: path.read_text().strip() for path in home.folder.glob("*.password")}


def test_no_password_is_in_a_command_line_or_a_log(api: Api, up: Home) -> None:
    passwords = secrets(up)
    assert len(passwords) >= 6
    arguments = "\n".join(up.processes())
    assert "prefect" in arguments
    logs = "\n".join(p.read_text(errors="replace") for p in (up.folder / "logs").glob("*.log"))
    assert "database system is ready" in logs
    assert f"127.0.0.1:{urlsplit(api.url).port}" in logs
    states = "\n".join(p.read_text() for p in (up.folder / "services").glob("*.json"))
    for name, password in passwords.items():
        assert password not in arguments, name
        assert password not in logs, name
        assert password not in states, name


def test_no_password_is_in_prefect_responses(api: Api, up: Home) -> None:
    text = json.dumps(api.get("/admin/settings"))
    for path in ("/deployments/filter", "/flow_runs/filter", "/logs/filter", "/artifacts/filter"):
        text += api.post(path, {}).text
    assert '"name": "prices"' in text or '"name":"prices"' in text
    for name, password in secrets(up).items():
        assert password not in text, name


def environment(process: int) -> dict[str, str]:
    text = Path(f"/proc/{process}/environ").read_bytes().decode()
    return dict(line.partition("=")[::2] for line in text.split("\0") if line)


def test_processes_have_only_the_secrets_they_need(api: Api, up: Home) -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("no /proc here")
    passwords = secrets(up)
    status = stack.status(up.settings)
    for name, known in (
        ("prefect-server", {"ui.password", "prefect.password"}),
        ("prefect-worker", {"ui.password"}),
    ):
        words = "\n".join(environment(status[name]["pid"]).values())
        assert {file for file, word in passwords.items() if word in words} == known
    assert re.fullmatch(
        r"[0-9a-f]{32}", environment(status["prefect-worker"]["pid"])["FRED_API_KEY"]
    )
    assert "FRED_API_KEY" not in environment(status["prefect-server"]["pid"])
