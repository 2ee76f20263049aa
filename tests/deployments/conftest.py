"""The command line in a state folder of its own, and the whole local stack over a tiny tape."""

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
        tape: The tape that its sandbox replays.
    """

    folder: Path
    tape: Path

    @property
    def settings(self) -> Settings:
        """As later commands find them."""
        return load_settings(self.folder)

    def rotation(
        self, *arguments: str, check: bool = True, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command; the developer's own settings do not reach it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "ROTATION_"))}
        own = {"ROTATION_HOME": str(self.folder), "DATABASE_URL": "", "FRED_API_KEY": ""}
        done = subprocess.run(
            [str(ROTATION), *arguments],
            env=kept | own | variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def processes(self) -> list[str]:
        """Command lines of the processes that belong to it."""
        marks = (str(self.folder), str(Settings(home=self.folder).home / "postgres"))
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            command = words.decode(errors="replace")
            is_ours = f"ROTATION_HOME={self.folder}\0".encode() in environment + b"\0"
            if is_ours or any(mark in command for mark in marks):
                found.append(command)
        return found


class Api:
    """Prefect's API, as a web page or a program on this machine would call it."""

    def __init__(self, url: str, login: str) -> None:
        """Keeps where it is, and what its login page asks for."""
        self.url = url
        self.login = login
        name, _, password = login.partition(":")
        self._http = httpx.Client(base_url=url, auth=(name, password), trust_env=False, timeout=120)

    def token(self) -> dict[str, str]:
        """The headers that Prefect's own clients send with each change."""
        token = self._http.get("/csrf-token", params={"client": "test"}).raise_for_status().json()
        return {"Prefect-Csrf-Token": token["token"], "Prefect-Csrf-Client": "test"}

    def post(
        self, path: str, content: Any, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One POST, with a token of its own unless headers are given."""
        return self._http.post(path, json=content, headers=headers or self.token())

    def pause_pool(self, is_paused: bool) -> None:
        """Keeps the worker from new runs, or lets it have them."""
        pool = f"/work_pools/{stack.POOL}"
        said = {"is_paused": is_paused}
        self._http.patch(pool, json=said, headers=self.token()).raise_for_status()

    def get(self, path: str) -> Any:
        """The JSON of one GET."""
        return self._http.get(path).raise_for_status().json()


@pytest.fixture(scope="session")
def tiny_market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tapes") / "tiny"
    simulate(folder, seed=11, small=20, large=8, years=1)
    return folder


@contextmanager
def make_home(tape: Path) -> Iterator[Home]:
    """A state folder in which nothing runs yet; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="rotation-stack-"))
    # root's server runs under another account, which must reach its data
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
    """The state folder of the stack that most tests look at."""
    with make_home(tiny_market) as home:
        yield home


@pytest.fixture
def empty_home(tiny_market: Path) -> Iterator[Home]:
    """A state folder of the test's own."""
    with make_home(tiny_market) as home:
        yield home


def api_of(home: Home) -> Api:
    """The API of a state folder's Prefect server."""
    facts = stack.status(home.settings)["prefect-server"]
    assert isinstance(facts, dict)
    return Api(f"http://127.0.0.1:{facts['port']}/api", prefect_server.ui_login(home.settings))


def wait(look: Callable[[], Any], seconds: float = 240) -> Any:
    """What is looked for, as soon as it is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.25)
    pytest.fail(f"not there after {seconds} s")


@dataclass(frozen=True)
class Up(Home):
    """A stack that runs, and whose schedules wait.

    Attributes:
        scheduled: Names of the deployments that runs were laid out for.
    """

    scheduled: frozenset[str]


def start(home: Home) -> Up:
    """Starts the stack as `make up SANDBOX=1` does, then holds its schedules.

    They go by this machine's clock: a run that is due while the tests are under way would load
    what they take for missing, and keep them waiting for its turn.
    """
    home.rotation("up", "--sandbox", "--tape", str(home.tape))
    api = api_of(home)
    # the worker takes longer than this to ask for its first run
    api.pause_pool(True)
    deployments = {each["id"]: each for each in api.post("/deployments/filter", {}).json()}
    timed = {each["name"] for each in deployments.values() if each["schedules"]}

    def laid_out() -> frozenset[str]:
        waiting = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
        runs = api.post("/flow_runs/filter", waiting).json()
        return frozenset(
            deployments[run["deployment_id"]]["name"] for run in runs if run["auto_scheduled"]
        )

    def is_held() -> bool:
        for each in deployments:
            api.post(f"/deployments/{each}/pause_deployment", {}).raise_for_status()
        return not laid_out()

    wait(lambda: laid_out() >= timed)
    scheduled = laid_out()
    wait(is_held)
    api.pause_pool(False)
    return Up(home.folder, home.tape, scheduled)


@pytest.fixture(scope="session")
def up(home: Home) -> Up:
    """The stack of most tests."""
    return start(home)


@pytest.fixture(scope="session")
def api(up: Up) -> Api:
    """The API of that stack."""
    return api_of(up)
