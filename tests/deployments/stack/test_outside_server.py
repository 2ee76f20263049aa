"""A Prefect server outside the stack is named where the caller's settings name one."""

import subprocess
import sys
from pathlib import Path

import pytest

from deployments.stack import outside_server
from deployments.stack.outside_server import outside_server_notice

OWN = "http://127.0.0.1:4200/api"
OTHER = "https://prefect.example.com/api"
# as `prefect profile create` writes it
PROFILES = f"""active = "work"

[profiles.local]
PREFECT_API_URL = "http://127.0.0.1:4200/api"

[profiles.work]
PREFECT_API_URL = "{OTHER}"

[profiles.ephemeral]
PREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"
"""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty PREFECT_HOME, and no `.env`."""
    monkeypatch.setattr(outside_server, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    return tmp_path


def test_without_a_setting_there_is_nothing_to_say() -> None:
    assert outside_server_notice(OWN) is None


def test_an_account_without_a_home_has_no_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", "~no-such-account/.prefect")
    assert outside_server_notice(OWN) is None


@pytest.mark.parametrize("own", [OWN, OWN + "/", "http://localhost:4200/api"])
def test_own_server_is_not_named(monkeypatch: pytest.MonkeyPatch, own: str) -> None:
    monkeypatch.setenv("PREFECT_API_URL", own)
    assert outside_server_notice(OWN) is None


def test_environment_precedes_the_profile(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (home / "profiles.toml").write_text(PROFILES)
    monkeypatch.setenv("PREFECT_API_URL", "http://10.0.0.7:4200/api")
    notice = outside_server_notice(OWN)
    assert notice is not None
    assert notice.startswith(
        "PREFECT_API_URL in the environment is http://10.0.0.7:4200/api and is not used:"
    )
    assert OWN in notice
    assert "docs/runbook.md" in notice


def test_profile_is_the_active_one(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (home / "profiles.toml").write_text(PROFILES)
    assert f"in the Prefect profile work is {OTHER} and" in (outside_server_notice(OWN) or "")
    monkeypatch.setenv("PREFECT_PROFILE", "local")
    assert outside_server_notice(OWN) is None
    monkeypatch.setenv("PREFECT_PROFILE", "ephemeral")
    assert outside_server_notice(OWN) is None


def test_profile_is_the_one_that_prefect_reads(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (home / "profiles.toml").write_text(PROFILES)
    code = "from prefect.settings import get_current_settings as g; print(g().api.url)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == OTHER


def test_env_file_is_named(home: Path) -> None:
    (home / ".env").write_text(f"PREFECT_API_URL={OTHER}\n")
    assert f"in {home / '.env'} is {OTHER}" in (outside_server_notice(OWN) or "")


def test_a_password_in_the_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://anna:hunter2@prefect.example.com/api")
    notice = outside_server_notice(OWN) or ""
    assert "is https://prefect.example.com/api and" in notice
    assert "hunter2" not in notice


@pytest.mark.parametrize("content", ["active = ", "profiles = 3", 'active = "gone"', "\x00"])
def test_a_damaged_profile_is_prefect_s_to_report(home: Path, content: str) -> None:
    (home / "profiles.toml").write_text(content)
    assert outside_server_notice(OWN) is None
