"""The command that checks machine and providers before a live run."""

import platform
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from itertools import chain
from typing import Annotated

import psycopg
import typer

from deployments.cli.console import make_console
from deployments.cli.run_flow import use_stack_environment
from deployments.stack import prefect_server, stack
from deployments.stack.outside_server import outside_server_notice
from deployments.stack.processes import ServiceError
from deployments.stack.versions import require_same_version
from tasks.health.finding import Finding, Level
from tasks.health.host_checks import check_host
from tasks.run.clock import now
from warehouse.connect.connections import connect
from warehouse.connect.dsn import embedded_server, is_embedded
from warehouse.server.binaries import EmbeddedServerError
from warehouse.server.local import free_port
from warehouse.settings import Settings

PREFECT_PORT = 4200
MIN_POSTGRES = 150000
STYLES = {"OK": "green", "warning": "yellow", "failed": "red"}


def doctor(
    sandbox: Annotated[
        bool, typer.Option(help="Check the running sandbox instead of the real providers.")
    ] = False,
) -> None:
    """Check machine and providers before a live run; exit 1 if a check failed."""
    # imported here, as the clients of the providers take most of a second
    from tasks.health.provider_checks import check_providers

    if sandbox:
        use_stack_environment()
    settings = Settings()
    console = make_console()
    time = now(settings)
    levels = []
    for finding in chain(_check_machine(settings, time), check_providers(settings, time)):
        levels.append(finding.level)
        console.print(
            str(finding),
            style=STYLES[finding.level],
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    failed, warnings = levels.count("failed"), levels.count("warning")
    if failed:
        console.print(f"{failed} checks failed, {warnings} warnings: correct the failed first.")
        raise typer.Exit(1)
    console.print(f"No check failed, {warnings} warnings. Next: make up")


def _check_machine(settings: Settings, time: datetime) -> Iterator[Finding]:
    yield from check_host(settings, time)
    yield _check_port(settings)
    yield from _check_outside_server(settings)
    yield from _check_versions(settings)


def _check_port(settings: Settings) -> Finding:
    state = stack.status(settings)["prefect-server"]
    if isinstance(state, dict):
        return Finding("OK", "port", f"Prefect is running on {state['port']}")
    try:
        port = free_port(preferred=PREFECT_PORT)
    except EmbeddedServerError as error:
        return Finding("failed", "port", f"{error} A firewall or container may forbid listening.")
    if port != PREFECT_PORT:
        return Finding(
            "warning",
            "port",
            f"{PREFECT_PORT} is taken by another program; Prefect will use another port, which"
            " make up prints",
        )
    return Finding("OK", "port", f"{PREFECT_PORT} is free for Prefect")


def _check_outside_server(settings: Settings) -> Iterator[Finding]:
    state = stack.status(settings)["prefect-server"]
    port = state["port"] if isinstance(state, dict) else PREFECT_PORT
    if notice := outside_server_notice(f"http://127.0.0.1:{port}/api"):
        yield Finding("warning", "port", notice)


def _check_versions(settings: Settings) -> Iterator[Finding]:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("yfinance", "curl_cffi"))
    yield Finding("OK", "version", f"Python {platform.python_version()}, {libraries}")
    yield _check_prefect(_prefect_environment(settings))
    yield _check_postgres(settings)


def _prefect_environment(settings: Settings) -> Mapping[str, str]:
    """Return the settings of the stack's Prefect server; empty if it does not run."""
    state = stack.status(settings)["prefect-server"]
    if isinstance(state, dict):
        return prefect_server.prefect_environment(settings, int(state["port"]))
    return {}


def _check_prefect(environment: Mapping[str, str]) -> Finding:
    if not environment:
        return Finding("OK", "version", f"Prefect {version('prefect')}; no server is running yet")
    try:
        served = require_same_version(environment)
    except ServiceError as error:
        return Finding("failed", "version", str(error))
    return Finding("OK", "version", f"Prefect {served}, server and client")


def _check_postgres(settings: Settings) -> Finding:
    try:
        if is_embedded(settings):
            programs = embedded_server(settings).program_folder()
            command = [str(programs / "postgres"), "--version"]
            found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            return Finding("OK", "version", f"{found.strip()} (embedded)")
        with connect(settings, "reader") as connection:
            number = connection.info.server_version
            text = connection.info.parameter_status("server_version")
    except (EmbeddedServerError, psycopg.Error, OSError, subprocess.CalledProcessError) as error:
        return Finding("failed", "version", f"PostgreSQL cannot be reached or run: {error}")
    level: Level = "OK" if number >= MIN_POSTGRES else "failed"
    return Finding(level, "version", f"PostgreSQL {text} of DATABASE_URL; needed: 15 or newer")
