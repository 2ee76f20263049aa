"""Who gets at Prefect: whoever has the password, and no web page."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from deployments.stack import stack
from tests.deployments.conftest import Api, Home

# what a page or another account of this machine would want: a program of its own run as us
HOSTILE = {
    "name": "mine",
    "flow_id": "00000000-0000-0000-0000-000000000000",
    "pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "id"}}],
}


@pytest.fixture(scope="module")
def stranger(api: Api):
    """Somebody on this machine who has not got the password."""
    with httpx.Client(base_url=api.url, trust_env=False, timeout=120) as http:
        yield http


def test_nothing_is_told_without_the_password(api: Api, stranger: httpx.Client) -> None:
    # the server asks for this first; whoever had one would still lack the password
    token = api.token()
    for path in ("/admin/version", "/admin/settings", "/csrf-token?client=x", "/flow_runs/count"):
        assert stranger.get(path).status_code == 401, path
    for path in ("/flow_runs/filter", "/deployments/filter", "/block_documents/filter"):
        assert stranger.post(path, json={}, headers=token).status_code == 401, path
        assert stranger.post(path, json={}).status_code == 403, path
    assert stranger.post("/deployments/", json=HOSTILE, headers=token).status_code == 401
    for wrong in (("rotation", ""), ("rotation", "wrong"), ("", "")):
        assert stranger.get("/admin/version", auth=wrong).status_code == 401
    # whether it lives, and nothing more
    assert stranger.get("/health").json() is True


def test_a_page_whose_host_name_means_this_machine_is_a_stranger(
    api: Api, stranger: httpx.Client
) -> None:
    """DNS rebinding: the browser takes it for the page's own host, so it reads the answers."""
    rebound = {"Host": f"elsewhere.example:{urlsplit(api.url).port}"}
    assert stranger.get("/csrf-token", params={"client": "x"}, headers=rebound).status_code == 401
    rebound |= api.token()
    assert stranger.post("/deployments/", json=HOSTILE, headers=rebound).status_code == 401


def test_a_page_from_elsewhere_reads_and_changes_nothing(api: Api) -> None:
    """Not even in a browser that would send the password along."""
    origin = {"Origin": "https://elsewhere.example"}
    held = api.get("/deployments/name/prices/prices")["id"]
    assert api.post(f"/deployments/{held}/create_flow_run", {}, origin).status_code == 403
    answer = api._http.get("/csrf-token", params={"client": "page"}, headers=origin)
    assert "access-control-allow-origin" not in answer.headers
    asked = {**origin, "Access-Control-Request-Method": "POST"}
    assert api._http.options(f"/deployments/{held}/create_flow_run", headers=asked).is_error


def test_the_password_is_kept_where_only_we_look(api: Api, up: Home) -> None:
    password = up.folder / "ui.password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert api.login == f"rotation:{password.read_text()}"
    assert len(password.read_text()) >= 32


def test_the_page_asks_for_it(api: Api) -> None:
    settings = httpx.get(api.url.removesuffix("/api") + "/ui-settings", trust_env=False).json()
    assert settings["auth"] == "BASIC"


def secrets(home: Home) -> dict[str, str]:
    """File's name to password."""
    return {path.name: path.read_text().strip() for path in home.folder.glob("*.password")}


def test_no_password_is_in_a_command_line_or_a_log(api: Api, up: Home) -> None:
    held = secrets(up)
    assert len(held) >= 6
    arguments = "\n".join(up.processes())
    assert "prefect" in arguments
    logs = "\n".join(p.read_text(errors="replace") for p in (up.folder / "logs").glob("*.log"))
    assert "database system is ready" in logs
    assert f"127.0.0.1:{urlsplit(api.url).port}" in logs
    states = "\n".join(p.read_text() for p in (up.folder / "services").glob("*.json"))
    for name, password in held.items():
        assert password not in arguments, name
        assert password not in logs, name
        assert password not in states, name


def test_no_password_is_in_what_prefect_tells(api: Api, up: Home) -> None:
    said = json.dumps(api.get("/admin/settings"))
    for path in ("/deployments/filter", "/flow_runs/filter", "/logs/filter", "/artifacts/filter"):
        said += api.post(path, {}).text
    assert '"name": "prices"' in said or '"name":"prices"' in said
    for name, password in secrets(up).items():
        assert password not in said, name


def environment(process: int) -> dict[str, str]:
    text = Path(f"/proc/{process}/environ").read_bytes().decode()
    return dict(line.partition("=")[::2] for line in text.split("\0") if line)


def test_a_process_knows_only_the_secrets_it_needs(api: Api, up: Home) -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("no /proc here")
    held = secrets(up)
    status = stack.status(up.settings)
    for name, known in (
        ("prefect-server", {"ui.password", "prefect.password"}),
        ("prefect-worker", {"ui.password"}),
    ):
        words = "\n".join(environment(status[name]["pid"]).values())
        assert {file for file, word in held.items() if word in words} == known
    assert re.fullmatch(
        r"[0-9a-f]{32}", environment(status["prefect-worker"]["pid"])["FRED_API_KEY"]
    )
    assert "FRED_API_KEY" not in environment(status["prefect-server"]["pid"])
