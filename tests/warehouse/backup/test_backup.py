"""Backup and restore of a warehouse: completely, or not at all."""

import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

import pandas as pd
import pytest

from expectations import contracts
from warehouse.backup import backup as module
from warehouse.backup.backup import BackupError, read_manifest, write_backup
from warehouse.backup.checksum import Checksum, checksums
from warehouse.backup.restore import WarehouseNotEmpty, restore_backup
from warehouse.connect.connections import connect
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

PRICES = contracts()["daily_price"]


def content(settings: Settings) -> dict[str, list[str]]:
    """Rows of every stored table as text, without the row that says when views were applied."""
    with connect(settings, "owner") as connection:
        tables = connection.execute(
            """
            select format('%%I.%%I', table_schema, table_name) from information_schema.tables
            where table_type = 'BASE TABLE' and table_schema = any (%s)
                and table_name <> 'reference' order by 1
            """,
            (module.BACKED_UP_SCHEMAS,),
        ).fetchall()
        return {
            name: [
                text
                for (text,) in connection.execute(
                    f"select stored::text from {name} as stored order by 1".encode()
                )
            ]
            for (name,) in tables
        }


def hashes(settings: Settings) -> list[Checksum]:
    with connect(settings, "reader") as connection:
        return checksums(connection)


@pytest.fixture
def filled(settings: Settings, merged, bars, members) -> Settings:
    """Prices with a revision, members, a quarantined row, text that COPY must escape."""
    merged(settings, PRICES, bars(("AAA", "2024-01-02", 0.1 + 0.2), ("BBB", "2024-01-02", 7.0)))
    merged(settings, PRICES, bars(("AAA", "2024-01-02", 1e-300), ("AAA", "2024-01-03", 1 / 3)))
    merged(settings, contracts()["index_membership"], members(("AAA", "2024-01-02", 1 / 7)))
    with connect(settings) as connection:
        connection.execute(
            """
            insert into audit.quarantine
                (first_run_id, last_run_id, table_name, key, rule, reason, row)
            values (1, 1, 'x', '{"a": 1}', 'tab\t', E'line\\nbreak \\\\. \\t \u00e9', '{}')
            """
        )
    return settings


@pytest.fixture
def other(make_warehouse: Callable[[], Settings]) -> Settings:
    """An empty warehouse to restore into."""
    return make_warehouse()


def test_restore_gives_identical_rows(
    filled: Settings, other: Settings, tmp_path: Path, merged, bars
) -> None:
    file, _ = write_backup(filled, tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    restore_backup(other, file)
    assert content(other) == content(filled)
    assert hashes(other) == hashes(filled)
    assert {each.table: each.rows for each in hashes(other)}["daily_price"] == 3
    # sequences continue and no row is loaded again
    for settings in (filled, other):
        again = merged(
            settings, PRICES, bars(("AAA", "2024-01-03", 1 / 3), ("CCC", "2024-01-03", 2))
        )
        assert (again.new, again.same) == (1, 1)
    with connect(other, "owner") as one, connect(filled, "owner") as two:
        for query in (
            "select max(run_id) from audit.run",
            "select max(change_id) from audit.change",
        ):
            assert one.execute(query).fetchone() == two.execute(query).fetchone()
    # the schema is complete: nothing left to migrate, the reader can only read
    ensure_up_to_date(other)
    with connect(other, "reader") as connection:
        assert connection.execute("select count(*) from published.restatement").fetchone()[0] > 0
        with pytest.raises(Exception, match="permission denied"):
            connection.execute("select * from core.daily_price")


def test_rows_loaded_while_a_backup_is_written_are_not_in_it(
    filled: Settings, other: Settings, tmp_path: Path, merged, bars
) -> None:
    before = hashes(filled)
    loaded = []

    def load(table: str) -> None:
        if not loaded:
            loaded.append(merged(filled, PRICES, bars(("AAA", "2024-02-01", 5.0))))

    file, _ = write_backup(filled, tmp_path, load)
    assert loaded[0].new == 1
    restore_backup(other, file)
    assert hashes(other) == before != hashes(filled)


@pytest.mark.slow
def test_backup_is_one_snapshot_while_loads_continue(
    filled: Settings, other: Settings, tmp_path: Path, merged, bars
) -> None:
    stop, loads = Event(), []

    def load() -> None:
        while not stop.is_set():
            day = f"{pd.Timestamp('2024-02-01') + pd.Timedelta(days=len(loads)):%Y-%m-%d}"
            merged(filled, PRICES, bars(("AAA", day, 5.0), ("BBB", day, 6.0)))
            loads.append(day)

    thread = Thread(target=load)
    thread.start()
    try:
        for number in range(3):
            before = len(loads)
            while len(loads) == before and thread.is_alive():
                time.sleep(0.01)
            write_backup(filled, tmp_path / f"{number}.backup", lambda table: stop.wait(0.01))
    finally:
        stop.set()
        thread.join()
    assert len(loads) > 3
    for number in range(3):
        restore_backup(other, tmp_path / f"{number}.backup", overwrite=True)
        with connect(other, "owner") as connection:
            # rows and their audit.load row are committed together
            found = connection.execute(
                """
                with price as (select * from core.daily_price where session_date >= '2024-02-01')
                select
                    (select count(*) from price) % 2,
                    (select count(*) from price)
                        - (select sum(rows_new) from audit.load where run_id > 2
                            and table_name = 'core.daily_price'),
                    (select count(*) from price where run_id not in (select run_id from audit.run)),
                    (select count(*) from price) > 0
                """
            ).fetchone()
            assert found == (0, 0, 0, True)


def test_restore_needs_overwrite_if_the_warehouse_is_not_empty(
    filled: Settings, other: Settings, tmp_path: Path, merged, bars
) -> None:
    file, _ = write_backup(filled, tmp_path)
    merged(other, PRICES, bars(("ZZZ", "2024-01-02", 9.0)))
    before = content(other)
    with pytest.raises(WarehouseNotEmpty, match="--overwrite"):
        restore_backup(other, file)
    assert content(other) == before
    restore_backup(other, file, overwrite=True)
    assert hashes(other) == hashes(filled)


def rewrite(file: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def set_manifest(**values: object) -> Callable[[dict[str, bytes]], None]:
    """Return a change of the manifest."""

    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps(
            json.loads(members["manifest.json"]) | values
        ).encode()

    return change


def delete_a_table(members: dict[str, bytes]) -> None:
    del members["core.daily_price.copy.zst"]


def replace_a_table(members: dict[str, bytes]) -> None:
    members["core.daily_price.copy.zst"] = members["core.ticker.copy.zst"]


def edit_prices(edit: Callable[[list[bytes]], list[bytes]]) -> Callable[[dict[str, bytes]], None]:
    """Return a change of the rows of core.daily_price, with valid CRCs."""

    def change(members: dict[str, bytes]) -> None:
        name = "core.daily_price.copy.zst"
        rows = module.pa.input_stream(module.pa.BufferReader(members[name]), "zstd").read()
        sink = module.pa.BufferOutputStream()
        with module.pa.CompressedOutputStream(sink, "zstd") as packed:
            packed.write(b"".join(edit(rows.splitlines(keepends=True))))
        members[name] = sink.getvalue().to_pybytes()

    return change


change_a_row = edit_prices(lambda rows: [row.replace(b"2024-01-03", b"2024-01-04") for row in rows])
delete_a_row = edit_prices(lambda rows: rows[:-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (delete_a_table, "not a complete backup"),
        (replace_a_table, "core.daily_price cannot be loaded"),
        (change_a_row, "published.daily_price differs from its checksum"),
        (delete_a_row, "core.daily_price has 2 rows instead of 3"),
        (set_manifest(format=99), "format 99"),
        (set_manifest(revision="9999"), "9999"),
        (set_manifest(checksums={}), "differs from its checksum"),
        pytest.param(set_manifest(members=[]), "differs from its checksum", marks=pytest.mark.slow),
    ],
)
def test_a_changed_backup_changes_nothing(
    filled: Settings, tmp_path: Path, change: Callable[[dict[str, bytes]], None], message: str
) -> None:
    file, _ = write_backup(filled, tmp_path)
    before = content(filled)
    rewrite(file, change)
    with pytest.raises(BackupError, match=message):
        restore_backup(filled, file, overwrite=True)
    assert content(filled) == before


def test_a_truncated_backup_changes_nothing(filled: Settings, tmp_path: Path) -> None:
    file, _ = write_backup(filled, tmp_path)
    whole, before = file.read_bytes(), content(filled)
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="not a complete backup"):
            restore_backup(filled, file, overwrite=True)
    assert content(filled) == before
    with pytest.raises(BackupError, match="There is no file"):
        restore_backup(filled, tmp_path / "none")
    with pytest.raises(BackupError, match="cannot be read"):
        restore_backup(filled, tmp_path)


def test_a_damaged_byte_is_found(filled: Settings, tmp_path: Path) -> None:
    file, manifest = write_backup(filled, tmp_path)
    content, before = bytearray(file.read_bytes()), hashes(filled)
    with zipfile.ZipFile(file) as archive:
        entry = archive.getinfo(manifest.members[0].name)
    # the last byte of the member: its 30 bytes of header, its name and extra field come first
    extra = int.from_bytes(content[entry.header_offset + 28 : entry.header_offset + 30], "little")
    start = entry.header_offset + 30 + len(entry.filename) + extra
    content[start + entry.compress_size - 1] ^= 1
    file.write_bytes(content)
    with pytest.raises(BackupError, match="differs from its CRC"):
        restore_backup(filled, file, overwrite=True)
    assert hashes(filled) == before


def test_backup_file_is_complete_or_absent(filled: Settings, tmp_path: Path) -> None:
    existing = tmp_path / "existing.backup"
    existing.write_text("mine")
    with pytest.raises(BackupError, match="exists"):
        write_backup(filled, existing)
    assert existing.read_text() == "mine"
    with pytest.raises(BackupError, match="cannot be written"):
        write_backup(filled, tmp_path / "no" / "folder.backup")

    def fail(table: str) -> None:
        if table == "core.ticker":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_backup(filled, tmp_path / "half.backup", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["existing.backup"]


def test_backup_has_no_password(filled: Settings, tmp_path: Path) -> None:
    file, manifest = write_backup(filled, tmp_path)
    assert read_manifest(file) == manifest
    text = json.dumps(asdict(manifest))
    with zipfile.ZipFile(file) as archive:
        for member in manifest.members:
            text += module.pa.input_stream(archive.open(member.name), "zstd").read().decode()
    assert "2024-01-02" in text
    for path in filled.home.glob("*.password"):
        assert path.read_text() not in text
    assert "SCRAM" not in text
