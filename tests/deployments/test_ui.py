"""The pages of Prefect's UI, in a browser without the internet."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deployments.conftest import Api
from tests.deployments.test_stack import NAMES

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


def test_the_deployments_are_shown(api: Api, chromium: str, tmp_path: Path) -> None:
    page = api.url.removesuffix("/api") + "/deployments"
    picture = Path(os.environ.get("ROTATION_TEST_SCREENSHOTS", tmp_path)) / "deployments.png"
    for how in ("--dump-dom", f"--screenshot={picture}"):
        done = subprocess.run(
            [chromium, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", how, page],
            env=os.environ | {"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        if how == "--dump-dom":
            assert {name for name in NAMES if f">{name}<" in done.stdout} == NAMES, done.stdout
    assert picture.stat().st_size > 20_000
