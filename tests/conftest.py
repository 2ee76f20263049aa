"""One embedded server for all tests, a migrated template, and a database of its own per test."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from warehouse.connections import database_name
from warehouse.embedded import EmbeddedServer
from warehouse.migrate import prepare
from warehouse.settings import Settings

BAR = ("ticker", "session_date", "close", "volume")
ACTION = ("ticker", "ex_date", "kind", "value")
PREFECT_HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Keeps the developer's shell, `.env` and Prefect profile out of the tests."""
    for name in list(os.environ):
        is_ours = name.startswith("ROTATION_") and not name.startswith("ROTATION_TEST_")
        if is_ours or name.startswith("PREFECT_") or name in ("DATABASE_URL", "FRED_API_KEY"):
            del os.environ[name]
    Settings.model_config["env_file"] = None
    # without a profile of its own, an event emitted outside a flow would start a Prefect server
    config.stash[PREFECT_HOME] = os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="prefect-")
    os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "false"
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes what Prefect wrote."""
    shutil.rmtree(config.stash[PREFECT_HOME], ignore_errors=True)


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
    prepare(settings)
    return database_name(settings)


@pytest.fixture(scope="session")
def new_warehouse(
    server: EmbeddedServer, template: str
) -> Callable[[], AbstractContextManager[Settings]]:
    """Opens the settings of a new warehouse, migrated and empty, and drops it when left."""

    @contextmanager
    def new() -> Iterator[Settings]:
        settings = Settings(home=server.home, origin=f"test-{uuid4().hex[:12]}")
        name = sql.Identifier(database_name(settings))
        create = sql.SQL("create database {} template {} owner rotation_owner")
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(create.format(name, sql.Identifier(template)))
            try:
                yield settings
            finally:
                connection.execute(sql.SQL("drop database {} with (force)").format(name))

    return new


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
    """Makes bars from `(ticker, session_date, close)` or `(ticker, session_date, close, volume)`."""

    def make(*rows: tuple[object, ...]) -> pd.DataFrame:
        frame = pd.DataFrame([(*row, 1000)[:4] for row in rows], columns=[*BAR])
        frame["session_date"] = pd.to_datetime(frame["session_date"])
        frame["volume"] = frame["volume"].astype("Int64")
        prices = {name: frame["close"] for name in ("open", "high", "low")}
        return frame.assign(**prices, source="test", volume_step=0.0)

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
