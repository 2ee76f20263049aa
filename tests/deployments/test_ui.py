"""The pages of Prefect's UI, in a browser without the internet."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployments.conftest import Api
from tests.deployments.test_stack import NAMES, deployment

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1400,900",
    "--virtual-time-budget=20000",
)


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found:
        return found
    if os.environ.get("ROTATION_TEST_CHROMIUM") == "required":
        pytest.fail("there is no chromium on PATH")
    pytest.skip("there is no chromium on PATH; ROTATION_TEST_CHROMIUM=required fails instead")


def look(chromium: str, page: str, tmp_path: Path, name: str) -> str:
    """The page's elements; its picture is kept beside the other tests' where that is asked for."""
    picture = Path(os.environ.get("ROTATION_TEST_SCREENSHOTS", tmp_path)) / f"{name}.png"
    seen = ""
    for how in ("--dump-dom", f"--screenshot={picture}"):
        done = subprocess.run(
            [chromium, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", how, page],
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        seen = seen or done.stdout
    assert picture.stat().st_size > 20_000
    return seen


def test_the_deployments_are_shown(api: Api, chromium: str, tmp_path: Path) -> None:
    page = api.url.removesuffix("/api") + "/deployments"
    seen = look(chromium, page, tmp_path, "deployments")
    assert {name for name in NAMES if f">{name}<" in seen} == NAMES, seen


def test_the_form_of_a_backfill_has_its_fields_filled(
    api: Api, chromium: str, tmp_path: Path
) -> None:
    page = api.url.removesuffix("/api")
    page += f"/deployments/deployment/{deployment(api, 'backfill')}/run"
    seen = look(chromium, page, tmp_path, "backfill")
    fields = api.get("/deployments/name/backfill/backfill")["parameter_openapi_schema"][
        "properties"
    ]
    assert [name for name in fields if f"{name} (Optional)" not in seen] == []
    for said in ("What to fill.", "Jan 1st, 1900", "Jan 1st, 2100", "oldest first"):
        assert said in seen, said
