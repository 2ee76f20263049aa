"""Backup, restore, password rotation and deletion, from the command line."""

from pathlib import Path

import psycopg
import pytest

from tests.deployments.conftest import Home
from warehouse.connect.connections import connect
from warehouse.connect.dsn import embedded_server, warehouse_dsn
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings


@pytest.fixture
def filled(empty_home: Home) -> Home:
    """Return a warehouse with one run."""
    ensure_up_to_date(empty_home.settings)
    add_run(empty_home.settings)
    return empty_home


def add_run(settings: Settings) -> None:
    with connect(settings) as connection:
        connection.execute(
            "insert into audit.origin (origin) values ('live') on conflict do nothing"
        )
        connection.execute("insert into audit.run (flow, process) values ('test', 'test:1')")


def runs(settings: Settings) -> int:
    with connect(settings) as connection:
        return connection.execute("select count(*) from audit.run").fetchone()[0]


@pytest.mark.slow
def test_backup_restore_rotate_passwords_and_destroy(filled: Home, tmp_path: Path) -> None:
    settings = filled.settings
    embedded_server(settings).stop()
    output = filled.rotation("backup", str(tmp_path / "first.backup")).stdout
    assert "rows of" in output
    # the command stops the server that it started
    assert not embedded_server(settings).is_running()
    embedded_server(settings).start()
    add_run(settings)

    refused = filled.rotation("restore", str(tmp_path / "first.backup"), check=False)
    assert refused.returncode == 1
    assert "--overwrite" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert runs(settings) == 2
    (tmp_path / "truncated.backup").write_bytes((tmp_path / "first.backup").read_bytes()[:5000])
    refused = filled.rotation(
        "restore", "--overwrite", str(tmp_path / "truncated.backup"), check=False
    )
    assert "truncated" in refused.stderr
    assert runs(settings) == 2
    filled.rotation("restore", "--overwrite", str(tmp_path / "first.backup"))
    assert runs(settings) == 1

    before = {role: warehouse_dsn(settings, role) for role in ("owner", "loader", "reader")}
    superuser = embedded_server(settings).dsn()
    filled.rotation("rotate-passwords")
    for dsn in (*before.values(), superuser):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(dsn)
    for role in before:
        psycopg.connect(warehouse_dsn(settings, role)).close()
    assert runs(settings) == 1
    assert not list(filled.folder.glob("*.new"))

    mine = filled.folder / "notes.txt"
    mine.write_text("mine")
    data = embedded_server(settings).data
    assert "notes.txt" in filled.rotation("destroy", "--yes").stdout
    assert not data.exists()
    assert [path.name for path in filled.folder.iterdir()] == ["notes.txt"]


def test_destroy_keeps_files_of_the_user(empty_home: Home) -> None:
    data = embedded_server(empty_home.settings).data
    (data / "base").mkdir(parents=True)
    for name in ("notes.txt", "ui.password", "origin"):
        (empty_home.folder / name).write_text("live")
    assert "not deleted: notes.txt" in empty_home.rotation("destroy", "--yes").stdout
    assert not data.exists()
    assert [path.name for path in empty_home.folder.iterdir()] == ["notes.txt"]


@pytest.mark.slow
def test_reader_logins_are_added_listed_and_revoked(filled: Home) -> None:
    added = filled.rotation("reader", "add", "anna").stdout
    file = filled.folder / "readers" / "anna.conf"
    assert file.stat().st_mode & 0o777 == 0o600
    parameters = dict(line.partition("=")[::2] for line in file.read_text().splitlines()[1:])
    assert parameters["user"] == "anna"
    assert parameters["password"] not in added
    psycopg.connect(**parameters).close()
    assert parameters["password"] not in filled.rotation("reader", "list").stdout
    shown = filled.rotation("reader", "add", "anna", "--show").stdout.splitlines()[-1]
    psycopg.connect(shown).close()
    assert "anna" in filled.rotation("reader", "list").stdout
    filled.rotation("reader", "revoke", "anna")
    assert not file.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(shown)
    refused = filled.rotation("reader", "revoke", "anna", check=False)
    assert refused.returncode == 1
    assert "no reader anna" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_query_works_after_a_reader_changed_the_password(filled: Home) -> None:
    with psycopg.connect(warehouse_dsn(filled.settings, "reader"), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute("alter role rotation_sql password 'x'")
        connection.execute("alter role rotation_sql set search_path = nowhere")
    assert "1" in filled.rotation("sql", "select count(*) from audit.run").stdout
