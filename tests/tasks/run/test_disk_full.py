"""A full disk, for real: the message, and the next run loads the rest."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from expectations.tables import daily_price
from tasks.load.load import load
from tasks.run.context import open_run
from warehouse.connect import arrow
from warehouse.connect.dsn import embedded_server
from warehouse.errors import WarehouseConnectionLost, WarehouseDiskFull, to_user_error
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

MEGABYTE = 1024 * 1024
HELD = """
select (select count(*) from core.daily_price), (select count(*) from audit.fetch),
    (select count(*) from audit.batch)
"""


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 160 MB, where the server's account can reach it."""
    folder = Path(tempfile.mkdtemp(prefix="rotation-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m,mode=0711", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        folder.rmdir()
        pytest.skip("a disk of a few megabytes can be mounted by root only")
    try:
        yield folder
    finally:
        # lazily: a process that still uses it must not block the others
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


@pytest.fixture
def cramped(small_disk: Path) -> Iterator[Settings]:
    """A warehouse on it."""
    settings = Settings(home=small_disk / "home", origin="test-cramped")
    settings.home.mkdir(mode=0o711)
    ensure_up_to_date(settings)
    try:
        yield settings
    finally:
        embedded_server(settings).stop()


def fill(settings: Settings, leave: int) -> Path:
    """Fills the disk up to some bytes."""
    ballast = settings.home / "ballast"
    disk = os.statvfs(settings.home)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - leave)
    return ballast


@pytest.fixture
def batch(bars, fetches, checked):
    frame = bars(*((f"T{number:06}", "2024-01-02", 10.0) for number in range(40_000)))
    return fetches(("AAA", "loaded")), (checked(daily_price.CONTRACT, frame),)


def test_a_disk_too_full_for_rows_is_reported_and_the_next_run_loads_them(cramped, batch, query):
    def load_all():
        with open_run("prices", cramped) as run:
            load.fn(*batch, run.writer)

    ballast = fill(cramped, leave=MEGABYTE)
    with pytest.raises(WarehouseDiskFull) as full:
        load_all()
    for words in (str(embedded_server(cramped).data), "is full", "make room", "next run"):
        assert words in str(full.value)
    ballast.unlink()
    assert query(cramped, HELD) == [(0, 0, 0)]
    assert query(cramped, "select state, detail from audit.run") == [("failed", str(full.value))]
    load_all()
    assert query(cramped, HELD) == [(40_000, 1, 1)]


@pytest.mark.slow
def test_a_disk_too_full_for_the_log_is_reported_though_the_server_dies(
    cramped, query, monkeypatch
):
    monkeypatch.setattr("warehouse.connect.connections.RESTART_SECONDS", 1.0)
    monkeypatch.setattr("tasks.run.transaction.ATTEMPTS", 2)
    write_log = """
    select count(pg_logical_emit_message(true, 'test', repeat('x', 4000000))) as written
    from generate_series(1, 20)
    """

    def write():
        with open_run("prices", cramped) as run:
            run.writer.commit_exactly_once(
                lambda connection: arrow.read(connection, write_log).height
            )

    ballast = fill(cramped, leave=MEGABYTE)
    with pytest.raises(WarehouseDiskFull, match="is full: make room"):
        write()
    ballast.unlink()
    ensure_up_to_date(cramped)
    assert query(cramped, HELD) == [(0, 0, 0)]
    with open_run("macro", cramped):
        pass
    assert query(cramped, "select state from audit.run order by run_id")[-1] == ("completed",)
    assert query(cramped, "select count(*) from audit.run where state = 'running'") == [(0,)]


def test_a_connection_lost_to_a_full_disk_is_told_from_the_log_since_the_last_start(tmp_path):
    settings = Settings(home=tmp_path)
    log = embedded_server(settings).log_file
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("starting PostgreSQL 18\nPANIC: could not write: No space left on device\n")
    assert isinstance(to_user_error(psycopg.OperationalError(), settings), WarehouseDiskFull)
    with log.open("a") as lines:
        lines.write("starting PostgreSQL 18\n")
    assert isinstance(to_user_error(psycopg.OperationalError(), settings), WarehouseConnectionLost)
