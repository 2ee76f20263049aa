"""Start without API keys, stop, and start on demand."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from deployments.sandbox.client import Sandbox
from deployments.sandbox.launch import SandboxError
from deployments.stack import stack
from deployments.stack.database import SERVICE_FILE, start_database
from tests.deployments.conftest import Home
from warehouse.connect.dsn import embedded_server, find_client_binary, warehouse_dsn


@pytest.mark.slow
def test_down_leaves_no_process(empty_home: Home) -> None:
    """Live, but without a flow run, so that no provider is contacted."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("no /proc here")
    sandbox = stack.start_sandbox(stack.sandbox_home(empty_home.settings), empty_home.tape)
    output = empty_home.rotation("up").stdout
    # a live stack stops the sandbox, which commands in the foreground would use
    with pytest.raises(SandboxError):
        Sandbox.attach(sandbox.home)
    assert "FRED_API_KEY is not set" in output
    assert "ROTATION_SEC_USER_AGENT is not set" in output
    assert "without vintages" in output
    assert "Prefect UI" in output
    assert (empty_home.folder / "ui.password").read_text() not in output
    assert len(empty_home.processes()) >= 4
    stopped = empty_home.rotation("down").stdout
    for name in ("supervisor", "postgres", "prefect-server", "prefect-worker"):
        assert name in stopped
    assert empty_home.processes() == []
    assert empty_home.rotation("down").stdout == "Nothing was running.\n"
    # status starts the database to read it, and says so
    output = empty_home.rotation("status").stdout
    assert output.count("not running") == 5
    assert "PostgreSQL was started to read the warehouse; stop it with: make down" in output
    assert empty_home.rotation("down").stdout == "Stopped: postgres.\n"


# both start the database with the same function
QUERIES = [["sql", "select 6 * 7 as answer"], pytest.param(["checksum"], marks=pytest.mark.slow)]


@pytest.mark.parametrize("query", QUERIES)
def test_queries_start_the_database_by_themselves(empty_home: Home, query: list[str]) -> None:
    start_database(empty_home.settings)
    embedded_server(empty_home.settings).stop()
    done = empty_home.rotation(*query)
    assert "stop it with: make down" in done.stderr
    assert "started" not in done.stdout
    assert empty_home.rotation("dsn").stderr == ""
    assert empty_home.rotation("status").stdout.splitlines()[0].split() == ["postgres", "running"]


@pytest.mark.slow
def test_service_file_opens_psql_without_a_password_on_the_command_line(empty_home: Home) -> None:
    start_database(empty_home.settings)
    file = empty_home.folder / SERVICE_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    psql = str(find_client_binary(empty_home.settings, "psql"))
    command = [psql, "service=rotation", "--no-psqlrc", "-At", "-c", "select current_user"]
    variables = os.environ | {"PGSERVICEFILE": str(file)}

    def user() -> str:
        return subprocess.run(
            command, env=variables, capture_output=True, text=True, check=True
        ).stdout

    assert user() == "rotation_sql\n"
    # the file follows a new password, and the old one is refused
    before = warehouse_dsn(empty_home.settings, "reader")
    empty_home.rotation("rotate-passwords")
    assert user() == "rotation_sql\n"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(before)


@pytest.mark.parametrize("query", QUERIES)
def test_error_without_a_warehouse_names_the_next_command(
    empty_home: Home, query: list[str]
) -> None:
    refused = empty_home.rotation(*query, check=False)
    assert refused.returncode == 1
    assert "make up" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "make up" in empty_home.rotation("status").stdout
    assert empty_home.processes() == []
