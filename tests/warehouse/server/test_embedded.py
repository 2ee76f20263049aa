"""Start, stop and kill a real embedded server."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import psycopg
import pytest

from warehouse.connect.connections import connect
from warehouse.connect.dsn import warehouse_dsn
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.server import binaries, embedded
from warehouse.server.binaries import process_command
from warehouse.server.embedded import EmbeddedServer, EmbeddedServerError
from warehouse.server.local import get_or_create_secret
from warehouse.settings import Settings

START = """
import sys, pathlib
from warehouse.server.embedded import EmbeddedServer
print(EmbeddedServer(pathlib.Path(sys.argv[1])).start())
"""


def processes(connection: psycopg.Connection) -> list[int]:
    """Return the backend processes, including this connection's."""
    return [pid for (pid,) in connection.execute("select pid from pg_stat_activity")]


def postmaster(server: EmbeddedServer) -> int:
    """Return the process number in the pid file."""
    return int((server.data / "postmaster.pid").read_text().split()[0])


def kill(server: EmbeddedServer, *others: int) -> None:
    """Kill server processes as the kernel does when memory runs out."""
    for process in (postmaster(server), *others):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it ended with the postmaster
    while server.is_running():
        time.sleep(0.01)


def refuses(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) != 0


class TestRunningServer:
    """Properties of the server that all tests share; nothing here changes it."""

    def test_password_file_is_private(self, server: EmbeddedServer):
        password = server.home / "postgres.password"
        assert stat.S_IMODE(password.stat().st_mode) == 0o600
        assert len(password.read_text()) >= 32
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        # not in the process list, not in the log
        assert server.password() not in (server.data / "postmaster.opts").read_text()
        assert server.password() not in server.log_file.read_text()

    @pytest.mark.parametrize("password", ["wrong", ""])
    def test_wrong_password_is_refused(self, server: EmbeddedServer, password: str):
        dsn = server.dsn().replace(server.password(), password)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(dsn, passfile=os.devnull)

    def test_every_connection_needs_a_scram_password(self, server: EmbeddedServer):
        with psycopg.connect(server.dsn()) as connection:
            methods = connection.execute("select distinct auth_method from pg_hba_file_rules")
            assert methods.fetchall() == [("scram-sha-256",)]

    def test_second_start_uses_the_running_server(self, server: EmbeddedServer):
        before = postmaster(server)
        assert server.start() == server.dsn()
        assert postmaster(server) == before

    def test_listens_on_one_loopback_address_only(self, server: EmbeddedServer):
        port = psycopg.conninfo.conninfo_to_dict(server.dsn())["port"]
        assert not refuses("127.0.0.1", int(port))
        assert refuses("127.0.0.2", int(port))
        assert refuses("::1", int(port))
        with psycopg.connect(server.dsn()) as connection:
            sockets = connection.execute("show unix_socket_directories").fetchone()
            assert sockets == ("",)


def test_two_processes_starting_at_once_share_one_server(fresh_server: EmbeddedServer):
    command = [sys.executable, "-c", START, str(fresh_server.home)]
    first, second = (subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2))
    dsns = [process.communicate()[0].strip() for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert dsns == [fresh_server.dsn()] * 2


def test_rows_survive_a_stop(fresh_server: EmbeddedServer):
    with psycopg.connect(fresh_server.start()) as connection:
        connection.execute("create table kept as select 1 as x")
    assert fresh_server.stop()
    assert not fresh_server.is_running()
    assert not fresh_server.stop()
    with pytest.raises(EmbeddedServerError, match="make up"):
        fresh_server.dsn()
    with psycopg.connect(fresh_server.start()) as connection:
        assert connection.execute("select x from kept").fetchall() == [(1,)]


def test_only_committed_rows_survive_a_kill(fresh_server: EmbeddedServer):
    connection = psycopg.connect(fresh_server.start())
    connection.execute("create table kept (x integer)")
    connection.execute("insert into kept select generate_series(1, 1000)")
    connection.commit()
    connection.execute("insert into kept values (-1)")
    kill(fresh_server, *processes(connection))
    with psycopg.connect(fresh_server.start()) as again:
        assert again.execute("select count(*), min(x) from kept").fetchone() == (1000, 1)
    connection.close()


def test_starts_after_the_postmaster_alone_was_killed(fresh_server: EmbeddedServer):
    with psycopg.connect(fresh_server.start(), autocommit=True) as connection:
        connection.execute("create table kept as select 1 as x")
        kill(fresh_server)
        with psycopg.connect(fresh_server.start()) as again:
            assert again.execute("select x from kept").fetchall() == [(1,)]


def test_start_uses_another_port_if_the_first_is_taken(
    fresh_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = other.getsockname()[1], embedded.free_port()
        ports = [taken, free]
        monkeypatch.setattr(embedded, "free_port", lambda preferred: ports.pop(0))
        with psycopg.connect(fresh_server.start()) as connection:
            assert connection.info.port == free


def test_start_waits_for_a_stopping_server(fresh_server: EmbeddedServer):
    pid_file = fresh_server.data / "postmaster.pid"
    session = psycopg.connect(fresh_server.start())
    before = postmaster(fresh_server)
    # a smart shutdown waits until all clients disconnect
    os.kill(before, signal.SIGTERM)
    while "stopping" not in pid_file.read_text():
        time.sleep(0.01)
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(fresh_server.start)
        session.close()
        psycopg.connect(started.result()).close()
    assert postmaster(fresh_server) != before


def test_a_stop_leaves_no_process(fresh_server: EmbeddedServer):
    fresh_server.start()
    pid = postmaster(fresh_server)
    assert fresh_server.stop()
    assert process_command(pid) == []


def test_binaries_are_copied_once_by_concurrent_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "install" / "pginstall" / "bin"
    folder.mkdir(parents=True)
    (folder / "postgres").write_text("a program")
    tmp_path.chmod(0o700)
    monkeypatch.setattr(binaries, "SHARED_DIR", tmp_path / "shared")
    all_look, copy = Barrier(4), shutil.copytree

    def copy_together(*places: Path) -> Path:
        all_look.wait()
        return copy(*places)

    monkeypatch.setattr(binaries.shutil, "copytree", copy_together)
    with ThreadPoolExecutor(4) as pool:
        [found] = set(pool.map(binaries.make_executable_by_all, [folder] * 4))
    assert (found / "postgres").read_text() == "a program"
    assert len(list((tmp_path / "shared" / "programs").iterdir())) == 1


def test_stale_pid_file_of_an_ended_process_is_ignored(fresh_server: EmbeddedServer):
    fresh_server.start()
    pid_file = fresh_server.data / "postmaster.pid"
    stale = pid_file.read_bytes()
    fresh_server.stop()
    pid_file.write_bytes(stale)
    assert not fresh_server.is_running()
    psycopg.connect(fresh_server.start()).close()


def test_stale_pid_file_may_have_the_number_of_another_program(fresh_server: EmbeddedServer):
    """The number may be reused after a reboot, or in a container."""
    fresh_server.start()
    pid_file = fresh_server.data / "postmaster.pid"
    owner = pid_file.stat()
    lines = pid_file.read_text().splitlines()
    fresh_server.stop()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid) as other:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:], ""]))
        os.chown(pid_file, owner.st_uid, owner.st_gid)
        try:
            assert not fresh_server.is_running()
            psycopg.connect(fresh_server.start()).close()
        finally:
            other.kill()


def test_stale_pid_file_may_have_the_number_of_another_server(
    server: EmbeddedServer, fresh_server: EmbeddedServer
):
    fresh_server.start()
    pid_file = fresh_server.data / "postmaster.pid"
    owner = pid_file.stat()
    lines = pid_file.read_text().splitlines()
    fresh_server.stop()
    pid_file.write_text("\n".join([str(postmaster(server)), *lines[1:], ""]))
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    assert not fresh_server.is_running()
    assert not fresh_server.stop()
    psycopg.connect(fresh_server.start()).close()
    assert server.is_running()


@pytest.fixture
def private_home() -> Iterator[Path]:
    """Return a state folder below a private folder."""
    above = Path(tempfile.mkdtemp(prefix="private-"))
    above.chmod(0o700)
    yield above / "state"
    server = EmbeddedServer(above / "state")
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)
    shutil.rmtree(above)


def test_server_starts_in_a_private_folder(private_home: Path):
    settings = Settings(home=private_home)
    for _ in range(2):
        ensure_up_to_date(settings)
        with connect(settings, "reader") as connection:
            assert connection.execute("select count(*) from audit.run").fetchone() == (0,)
        assert EmbeddedServer(private_home).stop()
    assert stat.S_IMODE(private_home.parent.stat().st_mode) == 0o700


def test_error_names_a_folder_without_binaries(tmp_path: Path):
    settings = Settings(home=tmp_path, postgres_bin=tmp_path / "nowhere")
    with pytest.raises(EmbeddedServerError, match=r"ROTATION_POSTGRES_BIN is .*nowhere.*initdb"):
        ensure_up_to_date(settings)


@pytest.mark.parametrize("role", ["owner", "loader", "reader"])
def test_dsn_of_a_missing_warehouse_is_an_error(tmp_path: Path, role: str):
    with pytest.raises(EmbeddedServerError, match="not running"):
        warehouse_dsn(Settings(home=tmp_path / "none"), role)


def test_concurrent_calls_create_one_secret(tmp_path: Path):
    with ThreadPoolExecutor(16) as pool:
        for n in range(50):
            path = tmp_path / f"{n}.password"
            found = set(pool.map(get_or_create_secret, [path] * 16))
            assert found == {path.read_text()}
            assert len(path.read_text()) >= 32
