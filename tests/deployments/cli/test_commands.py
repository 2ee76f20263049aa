"""Help and argument checks of the commands, without a running stack."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from deployments.cli import app
from deployments.cli.commands import FLOWS
from deployments.cli.run_flow import flow_command


def test_help_names_every_command() -> None:
    output = CliRunner().invoke(app, ["--help"]).output
    for name in (
        "demo",
        "up",
        "down",
        "status",
        "run",
        "health",
        "dsn",
        "sql",
        "checksum",
        "schema",
        "backup",
        "restore",
        "rotate-passwords",
        "destroy",
    ):
        assert f" {name} " in output
        assert "Usage" in CliRunner().invoke(app, [name, "--help"]).output


def test_run_rejects_an_unknown_flow_and_names_the_flows() -> None:
    refused = CliRunner().invoke(app, ["run", "weather"])
    assert refused.exit_code == 2
    assert "daily" in refused.output


def test_command_line_starts_without_the_libraries_of_flows() -> None:
    """They take seconds to import, and most commands need none of them."""
    heavy = {"alembic", "great_expectations", "pandas", "polars", "prefect", "yfinance"}
    code = "import sys, deployments.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(done.stdout.split()) == set()


@pytest.mark.parametrize("flow", FLOWS)
def test_run_imports_the_flow_of_that_name(flow: str) -> None:
    code = flow_command(flow)[1]
    names: dict[str, object] = {}
    exec(code.partition(";")[0], names)
    assert getattr(names["flow"], "name", None) == flow
    compile(code, "flow_command", "exec")
