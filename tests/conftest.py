"""One embedded server for all tests, a migrated template, and a database of its own per test."""

import ast
import atexit
import gc
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pandas as pd
import psutil
import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.browser import Browser, open_browser
from tests.warehouses import create_warehouse
from warehouse.connect.dsn import database_name
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

# a database per test is 500 files: copying them takes ten times as long on a disk
MEMORY = Path("/dev/shm")
NEEDED_BYTES = 6 * 1024**3
BAR = ("ticker", "session_date", "close", "volume")
ACTION = ("ticker", "ex_date", "kind", "value")
# of the developer's shell: they lead clients elsewhere, or change what programs print
FOREIGN = re.compile(
    "PREFECT_.*|PG[A-Z]+|DATABASE_URL|(FRED|TIINGO)_API_KEY|ROTATION_(?!TEST_).*"
    "|(HTTP|HTTPS|ALL|NO)_PROXY|COLUMNS|LINES|FORCE_COLOR|NO_COLOR|PY_COLORS|GITHUB_ACTIONS|TTY_.*"
    "|PYTHONWARNINGS",
    re.IGNORECASE,
)
# its tests share a Prefect server, and a warehouse that a daily run filled
FLOWS = "tests/flows/"
# the most costly first
COSTLY_FIXTURES = ("api", "longer_tape")
COSTLY_FOLDERS = ("tests/deployments/", "tests/tasks/")
# the same examples each time, without deadlines: a busy machine breaks no property
hypothesis_settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("steady")


def make_temporary_folder() -> None:
    """Makes the folder of all temporary files: in memory where there is room, unless TMPDIR is set.

    The processes of a run share it: the first one names it in TMPDIR, and removes it at the end.
    """
    for left in MEMORY.glob("rotation-tests-*"):
        if not psutil.pid_exists(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED_BYTES
    folder = (MEMORY if has_room else Path(tempfile.gettempdir())) / f"rotation-tests-{os.getpid()}"
    folder.mkdir()
    # root's PostgreSQL runs under another account, which must reach its data
    folder.chmod(0o711)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    # after all that other modules do at the end in that folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


def isolate() -> None:
    """Keeps the developer's shell, `.env` and Prefect profile out of the tests."""
    for name in filter(FOREIGN.fullmatch, list(os.environ)):
        del os.environ[name]
    Settings.model_config["env_file"] = None
    os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="prefect-")
    os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # a shell's job in the background does not hear Ctrl-C, nor would the tests' own processes
        signal.signal(signal.SIGINT, signal.default_int_handler)


# at import: Prefect reads its settings once, when a conftest further down imports it
if "TMPDIR" not in os.environ:
    make_temporary_folder()
isolate()


class ByCost(LoadScopeScheduling):
    """Keeps the tests of a file in one process, and all files that share what is costly to make.

    What is costly is a Prefect server, the whole stack, and a long tape.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


@cache
def group_of(file: str) -> str:
    """The flows' folder, the costly fixture that a file uses, or else the file itself.

    A function uses a fixture as an argument or as a parameter. Slow tests do not count.
    """
    if file.startswith(FLOWS):
        return FLOWS
    text = (Path(__file__).parents[1] / file).read_text(encoding="utf-8")
    if not any(fixture in text for fixture in COSTLY_FIXTURES):
        return file
    taken: set[object] = set()
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            decorators = function.decorator_list
            if "pytest.mark.slow" not in map(ast.unparse, decorators):
                taken |= {argument.arg for argument in function.args.args}
                nodes = [node for each in decorators for node in ast.walk(each)]
                taken |= {node.value for node in nodes if isinstance(node, ast.Constant)}
    return next((fixture for fixture in COSTLY_FIXTURES if fixture in taken), file)


def cost_rank(file: str) -> int:
    """The place of a file in the order of cost, the most costly first."""
    group = group_of(file)
    order = (FLOWS, *COSTLY_FIXTURES, *COSTLY_FOLDERS)
    return next((n for n, costly in enumerate(order) if group.startswith(costly)), len(order))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starts the longest groups first, so that no process works alone at the end."""
    items.sort(key=lambda item: cost_rank(item.nodeid.partition("::")[0]))


def pytest_collection_finish() -> None:
    """Spares the garbage collector what stays: modules and tests are a million objects."""
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByCost:
    """The scheduler of `-n`."""
    return ByCost(config, log)


def pytest_unconfigure() -> None:
    """Removes what Prefect wrote."""
    shutil.rmtree(os.environ["PREFECT_HOME"], ignore_errors=True)


@contextmanager
def embedded_server() -> Iterator[EmbeddedServer]:
    """An embedded server in a fresh folder, not started yet; nothing of it is left afterwards."""
    home = Path(tempfile.mkdtemp(prefix="rotation-"))
    # root's server runs under another account, which must reach its data
    home.chmod(0o711)
    server = EmbeddedServer(home)
    try:
        yield server
    finally:
        server.stop()
        # behind a link where the temporary folder itself is private
        shutil.rmtree(server.data, ignore_errors=True)
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """The running server that holds the tests' databases."""
    with embedded_server() as server:
        with psycopg.connect(server.start(), autocommit=True) as connection:
            # the tests' databases need not outlive a crash of the machine
            connection.execute("alter system set fsync = off")
            # a database per test is a copy of some 500 files: the kernel's copy takes a third
            connection.execute("alter system set file_copy_method = clone")
            # the default 4,096 rounds cost each connection 6 ms; the passwords here are random
            connection.execute("alter system set scram_iterations = 1")
            connection.execute("select pg_reload_conf()")
        yield server


@pytest.fixture
def fresh_server() -> Iterator[EmbeddedServer]:
    """A server of the test's own, not started yet."""
    with embedded_server() as server:
        yield server


@pytest.fixture(scope="session")
def template(server: EmbeddedServer) -> str:
    """The name of a migrated, empty database."""
    settings = Settings(home=server.home, origin="template")
    ensure_up_to_date(settings)
    return database_name(settings)


@pytest.fixture(scope="session")
def new_warehouse(
    server: EmbeddedServer, template: str
) -> Callable[..., AbstractContextManager[Settings]]:
    """Opens a new warehouse, empty or a copy of a filled one, and drops it when left."""

    @contextmanager
    def new(filled: Settings | None = None) -> Iterator[Settings]:
        settings = create_warehouse(server, template, filled)
        try:
            yield settings
        finally:
            drop = sql.SQL("drop database {} with (force)")
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute(drop.format(sql.Identifier(database_name(settings))))

    return new


@pytest.fixture(scope="module")
def module_warehouse(
    new_warehouse: Callable[[], AbstractContextManager[Settings]],
) -> Iterator[Settings]:
    """The settings of a warehouse of the module's own, for tests that leave nothing in it."""
    with new_warehouse() as settings:
        yield settings


@pytest.fixture
def make_warehouse(
    new_warehouse: Callable[[], AbstractContextManager[Settings]],
) -> Iterator[Callable[[], Settings]]:
    """Makes warehouses that are dropped after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(new_warehouse())


@pytest.fixture
def settings(make_warehouse: Callable[[], Settings]) -> Settings:
    """The settings of a warehouse of the test's own: migrated, empty."""
    return make_warehouse()


@pytest.fixture(scope="session")
def bars() -> Callable[..., pd.DataFrame]:
    """Makes bars from `(ticker, session_date, close)`, with a volume behind them or without."""

    def make(*rows: tuple[object, ...]) -> pd.DataFrame:
        frame = pd.DataFrame([(*row, 1000)[:4] for row in rows], columns=[*BAR])
        frame["session_date"] = pd.to_datetime(frame["session_date"])
        frame["volume"] = frame["volume"].astype("Int64")
        prices = dict.fromkeys(("open", "high", "low"), frame["close"])
        return frame.assign(**prices, source="test", volume_resolution=0.0)

    return make


@pytest.fixture(scope="session")
def actions() -> Callable[..., pd.DataFrame]:
    """Makes actions from `(ticker, ex_date, kind, value)`."""

    def make(*rows: tuple[object, ...]) -> pd.DataFrame:
        frame = pd.DataFrame(rows, columns=[*ACTION]).astype({"value": "float64"})
        return frame.assign(ex_date=pd.to_datetime(frame["ex_date"]), source="test")

    return make


@pytest.fixture(scope="session")
def tapes() -> Path:
    """The folder of real tapes."""
    folder = os.environ.get("ROTATION_TEST_TAPES")
    if not folder:
        pytest.skip("set ROTATION_TEST_TAPES to a folder of tapes")
    return Path(folder)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A headless browser with an empty profile."""
    browser = open_browser(tmp_path)
    yield browser
    browser.close()
