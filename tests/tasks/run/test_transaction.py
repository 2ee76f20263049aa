"""Connections lost in the middle of a batch: it is committed exactly once."""

import os
import signal
import socket
import threading
import time
from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables import daily_price
from tasks.load.load import load
from tasks.run.context import open_run
from warehouse.connect import arrow
from warehouse.connect.dsn import warehouse_dsn
from warehouse.errors import WarehouseConnectionLost
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

HELD = """
select (select count(*) from core.daily_price), (select count(*) from audit.fetch),
    (select count(*) from audit.load), (select count(*) from audit.batch)
"""
STATES = "select state from audit.run order by run_id"
ENDED = "select pg_terminate_backend(pid, 60000) from pg_stat_activity where pid = %s"


class Relay:
    """A line to the server that can be cut at a message of the client's."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cut_after: bytes | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._port))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(*ends, client), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, client: socket.socket) -> None:
        try:
            while said := source.recv(65536):
                if source is client and self.cut_after and self.cut_after in said:
                    self.cut_after = None
                    # the client gets no reply, and the server may commit or not
                    client.shutdown(socket.SHUT_RDWR)
                    target.sendall(said)
                    return
                target.sendall(said)
        except OSError:
            pass  # the other end is gone
        finally:
            if source is not client:
                client.close()


@pytest.fixture
def batch(bars, fetches, checked):
    frame = bars(("AAA", "2024-01-02", 10.0), ("AAA", "2024-01-03", 11.0))
    return fetches(("AAA", "loaded")), (checked(daily_price.CONTRACT, frame),)


@pytest.fixture
def hosted(fresh_server):
    """A warehouse on a server of the test's own."""
    settings = Settings(home=fresh_server.home, origin="test-hosted")
    ensure_up_to_date(settings)
    return settings


def own_backend(connection):
    return arrow.read(connection, "select pg_backend_pid() as pid")["pid"][0]


def admin_of(server):
    return psycopg.connect(server.dsn(), autocommit=True)


def test_a_connection_lost_before_the_commit_is_retried(settings, server, query):
    tried = []

    def work(connection):
        arrow.execute(connection, "insert into core.instrument (first_ticker) values ('AAA')")
        tried.append(own_backend(connection))
        if len(tried) == 1:
            with closing(admin_of(server)) as admin:
                admin.execute(ENDED, (tried[0],))
        return len(tried)

    with open_run("prices", settings) as run:
        assert run.writer.commit_exactly_once(work) == 2
    assert query(settings, "select count(*) from core.instrument") == [(1,)]
    assert query(settings, "select count(*) from audit.batch") == [(1,)]
    assert query(settings, STATES) == [("completed",)]


def test_a_commit_without_a_reply_is_not_repeated(settings, server, query, batch):
    dsn = urlsplit(warehouse_dsn(settings, "owner"))
    with closing(Relay(dsn.port)) as relay:
        url = dsn._replace(
            netloc=dsn.netloc.replace(f":{dsn.port}", f":{relay.port}"), query=""
        ).geturl()
        through = Settings(home=settings.home, origin=settings.origin, database_url=url)
        with open_run("prices", through) as run:
            relay.cut_after = b"COMMIT"
            run.add(load.fn(*batch, run.writer))
            assert relay.cut_after is None
    assert query(settings, HELD) == [(2, 1, 1, 1)]
    assert run.counts["daily_price"]["new"] == 2
    assert query(settings, STATES) == [("completed",)]


@pytest.mark.parametrize("blow", [pytest.param("fast", marks=pytest.mark.slow), "immediate"])
def test_a_restart_of_the_server_is_waited_for(hosted, fresh_server, query, batch, blow):
    restarted = []

    def start_again():
        # as someone would who has looked at the log first
        time.sleep(1)
        while fresh_server.is_running():
            time.sleep(0.01)
        fresh_server.start()

    def work(connection):
        arrow.execute(connection, "insert into core.instrument (first_ticker) values ('ZZZ')")
        if not restarted:
            restarted.append(blow)
            if blow == "fast":
                fresh_server.stop()
            else:
                pid = int((fresh_server.data / "postmaster.pid").read_text().split()[0])
                os.kill(pid, signal.SIGQUIT)
            threading.Thread(target=start_again).start()
        return arrow.read(connection, "select count(*) as n from core.instrument")["n"][0]

    with open_run("prices", hosted) as run:
        assert run.writer.commit_exactly_once(work) == 1
        load.fn(*batch, run.writer)
    assert query(hosted, HELD) == [(2, 1, 1, 2)]
    assert query(hosted, STATES) == [("completed",)]


def test_a_server_that_stays_down_is_reported_in_a_sentence(
    hosted, fresh_server, query, batch, monkeypatch
):
    monkeypatch.setattr("warehouse.connect.connections.RESTART_SECONDS", 0.1)
    monkeypatch.setattr("tasks.run.transaction.BACKOFF_SECONDS", 0.01)

    def load_without_server():
        with open_run("prices", hosted) as run:
            fresh_server.stop()
            load.fn(*batch, run.writer)

    with pytest.raises(WarehouseConnectionLost) as lost:
        load_without_server()
    for words in ("was lost", str(fresh_server.data), "make up", "next run"):
        assert words in str(lost.value)
    assert isinstance(lost.value.__cause__, Exception)
    fresh_server.start()
    with open_run("prices", hosted) as run:
        load.fn(*batch, run.writer)
    assert query(hosted, HELD) == [(2, 1, 1, 1)]
    assert query(hosted, STATES) == [("crashed",), ("completed",)]


def test_other_errors_are_not_retried(settings, query):
    tried = []

    def work(connection):
        tried.append(1)
        arrow.execute(connection, "insert into core.instrument (first_ticker) values (null)")

    with pytest.raises(adbc.Error), open_run("prices", settings) as run:
        run.writer.commit_exactly_once(work)
    assert tried == [1]
    assert query(settings, STATES) == [("failed",)]
