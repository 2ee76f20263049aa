"""Help and argument checks of the commands, without a running stack."""

import subprocess
import sys

from typer.testing import CliRunner

from deployments.cli import app


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
