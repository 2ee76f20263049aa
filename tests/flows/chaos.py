"""Random faults during a run: in its process, its database, its orchestrator."""

import os
import random
import signal
import time
from collections.abc import Mapping
from contextlib import suppress

import httpx
import psycopg

from deployments.stack import prefect_server
from deployments.stack.processes import Service
from tests.flows.replay import FlowProcess, Replay
from warehouse.connect.dsn import database_name
from warehouse.server.binaries import EmbeddedServerError
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

BACKENDS = """
select pid from pg_stat_activity
where datname = %s and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
PATIENCE_SECONDS = 300


class FaultInjector:
    """All that a run stands on, to be hit and set up again.

    Attributes:
        server: The embedded server, which holds the warehouses and Prefect's database.
    """

    def __init__(self, server: EmbeddedServer, prefect: Mapping[str, str]) -> None:
        self.server = server
        self._prefect = dict(prefect)
        self._settings = Settings(home=server.home)
        self.blows = {
            "the flow's process is killed": self.kill,
            "the flow's process is told to end": self.terminate,
            "a connection is cut": self.cut,
            "a server process is killed": self.crash,
            "the database server is killed": self.kill_server,
            "the Prefect server is killed": self.kill_prefect,
        }

    def kill(self, replay: Replay, flow: FlowProcess, draw: random.Random) -> None:
        self._signal(flow, signal.SIGKILL)

    def terminate(self, replay: Replay, flow: FlowProcess, draw: random.Random) -> None:
        self._signal(flow, signal.SIGTERM)

    def cut(self, replay: Replay, flow: FlowProcess, draw: random.Random) -> None:
        with self._admin() as admin:
            if backends := self._backends(admin, replay):
                admin.execute("select pg_terminate_backend(%s)", (draw.choice(backends),))

    def crash(self, replay: Replay, flow: FlowProcess, draw: random.Random) -> None:
        """The server ends all of its sessions then, Prefect's, too, and recovers."""
        with self._admin() as admin:
            backends = self._backends(admin, replay)
        if backends:
            with suppress(ProcessLookupError):
                os.kill(draw.choice(backends), signal.SIGKILL)

    def kill_server(self, replay: Replay, flow: FlowProcess, draw: random.Random) -> None:
        pid = int((self.server.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, draw.choice([signal.SIGKILL, signal.SIGQUIT]))
        time.sleep(draw.uniform(0, 2))
        self.restore()

    def kill_prefect(self, replay: Replay, flow: FlowProcess, draw: random.Random) -> None:
        facts = Service(self._settings.home.absolute(), "prefect-server").read_state()
        if facts is not None:
            os.killpg(int(str(facts["pid"])), signal.SIGKILL)
        time.sleep(draw.uniform(0, 2))
        self.restore()

    def restore(self) -> None:
        """Restart what is down; flows know the Prefect server by its port."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.server.start()
                with self._admin():
                    break
            except (EmbeddedServerError, psycopg.Error):
                assert time.monotonic() < deadline, "the database server does not come back"
                time.sleep(0.2)
        port = int(self._prefect["PREFECT_SERVER_API_PORT"])
        free_port = prefect_server.free_port
        prefect_server.free_port = lambda preferred=None: port
        try:
            prefect_server.start_server(self._settings)
        finally:
            prefect_server.free_port = free_port
        # it answers before its own connections have recovered
        with httpx.Client(trust_env=False, timeout=10) as client:
            while True:
                with suppress(httpx.TransportError):
                    found = client.post(self._prefect["PREFECT_API_URL"] + "/flows/count", json={})
                    if found.status_code < 500:
                        return
                assert time.monotonic() < deadline + PATIENCE_SECONDS, (
                    "the Prefect server does not come back"
                )
                time.sleep(0.2)

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(self.server.dsn(), autocommit=True, connect_timeout=5)

    def _backends(self, admin: psycopg.Connection, replay: Replay) -> list[int]:
        name = database_name(replay.settings)
        return sorted(row[0] for row in admin.execute(BACKENDS, (name,)))

    def _signal(self, flow: FlowProcess, sign: signal.Signals) -> None:
        assert flow.process.pid is not None
        with suppress(ProcessLookupError):  # it has ended by itself
            os.kill(flow.process.pid, sign)
