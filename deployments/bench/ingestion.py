"""Measure extracting, validating and loading prices beside what a short script would use.

All rows of the table come from one run on one machine: the ratios carry over to other machines,
the seconds do not.
"""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from deployments.bench.__main__ import in_fresh_process, temporary_server
from deployments.bench.extraction import (
    download_seconds,
    loop_seconds,
    stage_seconds,
    write_tape,
)
from deployments.bench.loading import (
    change_rows,
    copy_seconds,
    load_seconds,
    make_bars,
    to_sql_seconds,
)
from deployments.sandbox.client import Sandbox
from deployments.stack.stack import sandbox_environment
from warehouse.connect.connections import connect
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

PACKAGES = ("pandas", "polars", "adbc-driver-postgresql", "great-expectations", "yfinance")


@dataclass(frozen=True)
class Measured:
    """Seconds of one way to do a job, beside those of the way it is compared with."""

    job: str
    seconds: float
    compared_with: float
    count: int
    unit: str

    @property
    def line(self) -> str:
        """Return the row of the table; above 1 the job is faster than its comparison."""
        rate, ratio = self.count / self.seconds, self.compared_with / self.seconds
        return f"| {self.job} | {self.seconds:.2f} | {rate:,.0f} {self.unit}/s | {ratio:.2f} |"


def measure_loading(home: Path, tickers: int, years: int) -> list[Measured]:
    """Measure the load of generated bars into a fresh warehouse."""
    settings = Settings(home=home, origin="bench-load")
    ensure_up_to_date(settings)
    bars = make_bars(tickers, years)
    copied = copy_seconds(settings, bars)
    measured = {
        "COPY of a CSV file into the same keyed table": copied,
        "load: first fill": load_seconds(settings, bars),
        "load: unchanged": load_seconds(settings, bars),
        "load: 1 % changed": load_seconds(settings, change_rows(bars)),
        "pandas to_sql, no key (1 in 20, times 20)": to_sql_seconds(settings, bars),
    }
    return [Measured(job, value, copied, len(bars), "rows") for job, value in measured.items()]


def measure_extraction(home: Path, tickers: int, years: int) -> tuple[list[Measured], float]:
    """Measure the extraction over a sandbox; return also the share of validation, in percent."""
    tape = home / "bench-extract"
    names = write_tape(tape, tickers, years)
    with Sandbox.start(tape, home / "sandbox") as sandbox:
        environment = sandbox_environment(sandbox)
        settings = Settings(
            home=home, origin=sandbox.tape, yahoo_requests_per_second=1000, yahoo_attempts=1
        )
        ensure_up_to_date(settings)
        cache = home / "cache"
        with in_fresh_process() as apart:
            loop = apart(loop_seconds, environment, cache / "loop", names)
        with in_fresh_process() as apart:
            download = apart(download_seconds, environment, cache / "download", names)
        with in_fresh_process() as apart:
            stages = apart(stage_seconds, environment, settings, names)
    measured = {
        "bare loop of Ticker.history": loop,
        "yf.download": download,
        "extraction: with as-traded prices and fetch log": stages["extract"],
    }
    rows = [Measured(job, value, loop, tickers, "tickers") for job, value in measured.items()]
    return rows, 100 * stages["validate"] / sum(stages.values())


def describe_machine(home: Path) -> str:
    """Return processor count, system and versions."""
    with connect(Settings(home=home, origin="bench-load"), "owner") as connection:
        server = connection.info.server_version // 10000
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, PostgreSQL {server}, {versions}."
    )


def bench(
    tickers: Annotated[int, typer.Option(help="How many shares to load.")] = 800,
    years: Annotated[int, typer.Option(help="Of how many years.")] = 5,
    extracted: Annotated[int, typer.Option(help="How many shares to extract.")] = 200,
    document: Annotated[Path | None, typer.Option(help="Also write the table here.")] = None,
) -> None:
    """Measure extraction, validation and loading of prices."""
    with temporary_server() as home:
        loading = measure_loading(home, tickers, years)
        extraction, validation_pct = measure_extraction(home, extracted, years)
        machine = describe_machine(home)
    text = "\n".join(
        [
            "# Ingestion of prices beside short scripts",
            "",
            f"{machine} Load: {tickers} tickers x {years} years;"
            f" extraction: {extracted} tickers over the sandbox, without a rate limit.",
            "The ratio is against the first row of its group; above 1 is faster.",
            "",
            "| job | seconds | rate | ratio |",
            "|---|---:|---:|---:|",
            *(each.line for each in (*loading, *extraction)),
            "",
            f"Validation takes {validation_pct:.0f} % of extracting, validating and loading.",
            "",
        ]
    )
    typer.echo(text)
    if document is not None:
        document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(bench)
