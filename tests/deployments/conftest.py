"""Fixtures: the command line in a state folder of its own, and the local stack on a tiny tape."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deployments.sandbox.market import simulate
from deployments.stack import prefect_server, stack
from deployments.stack.database import load_settings
from warehouse.settings import Settings

ROTATION = Path(sys.executable).with_name("rotation")


@dataclass(frozen=True)
class Home:
    """A state folder and the command line in it.

    Attributes:
        folder: The state folder.
        tape: Tape of its sandbox.
    """

    folder: Path
    tape: Path

    @property
    def settings(self) -> Settings:
        """Return the settings that later commands use."""
        return load_settings(self.folder)

    def rotation(
        self, *arguments: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command without the developer's own settings."""
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "ROTATION_"))
        }
        own = {"ROTATION_HOME": str(self.folder), "DATABASE_URL": "", "FRED_API_KEY": ""}
        done = subprocess.run(
            [str(ROTATION), *arguments],
            env=inherited | own | variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def processes(self) -> list[str]:
        """Return the command lines of the processes that use the state folder."""
        marks = (str(self.folder), str(Settings(home=self.folder).home / "postgres"))
        found = []
        for process in psutil.process_iter():
            try:
                command = " ".join(process.cmdline())
                home = process.environ().get("ROTATION_HOME")
            except psutil.Error:
                continue
            if home == str(self.folder) or any(mark in command for mark in marks):
                found.append(command)
        return found


class Api:
    """Client of Prefect's API, as a web page or a local program would call it."""

    def __init__(self, url: str, login: str) -> None:
        """Store the URL and the login (user:password)."""
        self.url = url
        self.login = login
        name, _, password = login.partition(":")
        self._http = httpx.Client(base_url=url, auth=(name, password), trust_env=False, timeout=120)

    def token(self) -> dict[str, str]:
        """Return the CSRF headers that Prefect's clients send with each change."""
        token = self._http.get("/csrf-token", params={"client": "test"}).raise_for_status().json()
        return {"Prefect-Csrf-Token": token["token"], "Prefect-Csrf-Client": "test"}

    def post(
        self, path: str, content: Any, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send a POST, with a CSRF token unless headers are given."""
        return self._http.post(path, json=content, headers=headers or self.token())

    def pause_pool(self, is_paused: bool) -> None:
        """Pause or resume the work pool."""
        pool = f"/work_pools/{stack.POOL}"
        content = {"is_paused": is_paused}
        self._http.patch(pool, json=content, headers=self.token()).raise_for_status()

    def get(self, path: str) -> Any:
        """Return the JSON of a GET."""
        return self._http.get(path).raise_for_status().json()


@pytest.fixture(scope="session")
def tiny_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tapes") / "tiny"
    simulate(folder, seed=11, small=20, large=8, years=1)
    return folder


@contextmanager
def make_home(tape: Path) -> Iterator[Home]:
    """Return an empty state folder; fail if a process of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rotation-stack-"))
    # as root, the server runs under another account, which must reach its data
    folder.chmod(0o711)
    home = Home(folder, tape)
    try:
        yield home
    finally:
        home.rotation("down")
        left = home.processes()
        shutil.rmtree((folder / "postgres").resolve(), ignore_errors=True)
        shutil.rmtree(folder)
    assert left == []


@pytest.fixture(scope="session")
def home(tiny_market: Path) -> Iterator[Home]:
    """Return the state folder of the stack that most tests use."""
    with make_home(tiny_market) as home:
        yield home


@pytest.fixture
def empty_home(tiny_market: Path) -> Iterator[Home]:
    """Return an empty state folder for one test."""
    with make_home(tiny_market) as home:
        yield home


def api_of(home: Home) -> Api:
    """Return the API of a state folder's Prefect server."""
    state = stack.status(home.settings)["prefect-server"]
    assert isinstance(state, dict)
    return Api(f"http://127.0.0.1:{state['port']}/api", prefect_server.ui_login(home.settings))


def wait(condition: Callable[[], Any], seconds: float = 240) -> Any:
    """Poll a condition and return its first true value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.25)
    pytest.fail(f"condition not met after {seconds} s")


@dataclass(frozen=True)
class Up(Home):
    """A running stack with paused schedules.

    Attributes:
        scheduled: Names of the deployments with scheduled runs.
    """

    scheduled: frozenset[str]


def start(home: Home) -> Up:
    """Start the stack as `make up SANDBOX=1` does, then pause its schedules.

    Schedules use the system clock: a scheduled run during the tests would load data that they
    expect to be missing, and hold the run lock.
    """
    home.rotation("up", "--sandbox", "--tape", str(home.tape))
    api = api_of(home)
    # the worker polls for its first run later than this
    api.pause_pool(True)
    deployments = {each["id"]: each for each in api.post("/deployments/filter", {}).json()}
    timed = {each["name"] for each in deployments.values() if each["schedules"]}

    def auto_scheduled() -> frozenset[str]:
        waiting = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        runs = api.post("/flow_runs/filter", waiting).json()
        return frozenset(
            deployments[run["deployment_id"]]["name"] for run in runs if run["auto_scheduled"]
        )

    def is_paused() -> bool:
        for each in deployments:
            api.post(f"/deployments/{each}/pause_deployment", {}).raise_for_status()
        return not auto_scheduled()

    wait(lambda: auto_scheduled() >= timed)
    scheduled = auto_scheduled()
    wait(is_paused)
    api.pause_pool(False)
    return Up(home.folder, home.tape, scheduled)


@pytest.fixture(scope="session")
def up(home: Home) -> Up:
    """Return the running stack of most tests."""
    return start(home)


@pytest.fixture(scope="session")
def api(up: Up) -> Api:
    """Return the API of that stack."""
    return api_of(up)
