"""A warehouse on an embedded server of the tests' own, and hands to load and derive with."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tasks.derive.house import House
from warehouse.embedded import EmbeddedServer
from warehouse.migrate import prepare
from warehouse.settings import Settings


@pytest.fixture(scope="session")
def tapes() -> Path:
    folder = os.environ.get("ROTATION_TEST_TAPES")
    if not folder:
        pytest.skip("set ROTATION_TEST_TAPES to a folder of tapes")
    return Path(folder)


@pytest.fixture(scope="session")
def migrated() -> Iterator[Settings]:
    """A migrated warehouse, for tests that leave it empty."""
    home = Path(tempfile.mkdtemp(prefix="rotation-breadth-"))
    # root's server runs under another account, which must reach its data
    home.chmod(0o711)
    server = EmbeddedServer(home)
    try:
        settings = Settings(home=home, origin="breadth", _env_file=None, DATABASE_URL=None)
        prepare(settings)
        yield settings
    finally:
        server.stop()
        shutil.rmtree(server.data, ignore_errors=True)
        shutil.rmtree(home)


@pytest.fixture
def house(migrated: Settings) -> Iterator[House]:
    """A warehouse that is empty before and after."""
    house = House(migrated)
    yield house
    house.empty()
