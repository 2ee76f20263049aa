"""Measure every derived table of a simulated market, from scratch and after one more session.

The market's sources are loaded by the product's flows over a sandbox and all tables are derived;
then one more session and its filings are loaded, and all tables are derived again.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from deployments.bench.__main__ import in_fresh_process, temporary_server
from deployments.bench.timing import describe_machine, markdown_table, print_and_write, seconds
from deployments.sandbox.client import Sandbox
from deployments.sandbox.market.tape.write import simulate
from deployments.stack.prefect_server import start_server, stop_server
from deployments.stack.stack import sandbox_environment
from tasks.derive.breadth.breadth import derive_breadth
from tasks.derive.breadth.sector_breadth import read_bars
from tasks.derive.incremental.derived_table import derive_table
from tasks.derive.incremental.index_members import read_snapshots
from tasks.derive.rebuild import DERIVED_TABLES
from tasks.load.publish import validate_and_merge
from tasks.run.context import open_run
from warehouse.connect.connections import adbc_connection, connect
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

# members decide which tickers and companies are requested
FLOWS = ("holdings", "prices", "macro", "filings")
SEED, TAPE_END = 7, date(2026, 2, 13)
# From Sunday evening to Tuesday morning in New York: a session, and the filings of its day, ten of
# the small market. Their index is published the next morning.
BEFORE = datetime(2026, 2, 8, 23, tzinfo=UTC)
AFTER = datetime(2026, 2, 10, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Derived:
    """Seconds to read and compute a table, to check and write it, and its rows."""

    compute: float = 0.0
    write: float = 0.0
    rows: int = 0


def derive_all(settings: Settings) -> dict[str, Derived]:
    """Derive and publish every table, upstream tables first; return its seconds."""
    import great_expectations  # noqa: F401 - seconds that a running worker has behind it

    found = {}
    with open_run("derived", settings, publish_artifact=False) as run:
        for name, table in DERIVED_TABLES.items():
            began = time.perf_counter()
            derived = derive_table.fn(table, settings)
            derived_at = time.perf_counter()
            rows = 0
            if derived is not None:
                totals = validate_and_merge(derived, run.writer)
                assert not totals.validation_failures, totals.validation_failures
                rows = 0 if derived.rows is None else derived.rows.height
            found[name] = Derived(derived_at - began, time.perf_counter() - derived_at, rows)
    return found


def bare_breadth_seconds(settings: Settings) -> float:
    """Return the seconds of sector_breadth's computation alone, its frames in memory."""
    with connect(settings, "owner") as connection:
        indexes = connection.execute("select distinct index_code from core.index_membership")
        codes = [code for (code,) in indexes]
    frames = []
    with adbc_connection(settings) as reading:
        for code in codes:
            snapshots = read_snapshots(reading, code, date.min)
            ids = snapshots["instrument_id"].unique().sort()
            frames.append((read_bars(reading, ids, date.min), snapshots))
    return min(
        seconds(lambda: [derive_breadth(bars, members) for bars, members in frames])
        for _ in range(2)
    )


@contextmanager
def prefect_server(settings: Settings) -> Iterator[dict[str, str]]:
    """Run a Prefect server of the state folder; yield the environment of its flows."""
    try:
        yield start_server(settings)
    finally:
        stop_server(settings)


def load_sources(environment: Mapping[str, str]) -> float:
    """Run the flows of all sources; return their seconds.

    Raises:
        CalledProcessError: A flow failed.
    """
    began = time.perf_counter()
    for flow in FLOWS:
        # Prefect reads its settings when it is imported
        code = f"from flows.{flow} import refresh_{flow} as refresh; refresh()"
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return time.perf_counter() - began


def format_rows(
    full: Mapping[str, Derived], increment: Mapping[str, Derived], bare: Mapping[str, float]
) -> list[list[str]]:
    """Return the rows of the table, and their sum."""
    rows = []
    for name, first, more in [
        *((name, full[name], increment[name]) for name in full),
        ("all", sum_tables(full), sum_tables(increment)),
    ]:
        taken, again = first.compute + first.write, more.compute + more.write
        rows.append(
            [
                name,
                f"{first.rows:,}",
                f"{first.compute:.2f}",
                f"{first.write:.2f}",
                f"{bare[name]:.2f}" if name in bare else "",
                f"{more.rows:,}",
                f"{more.compute:.2f}",
                f"{more.write:.2f}",
                f"{taken / again:.1f}" if again else "",
            ]
        )
    return rows


def sum_tables(derived: Mapping[str, Derived]) -> Derived:
    """Return the sum over all tables."""
    parts = derived.values()
    return Derived(
        sum(each.compute for each in parts),
        sum(each.write for each in parts),
        sum(each.rows for each in parts),
    )


def bench(
    small: Annotated[int, typer.Option(help="Companies of the small index.")] = 200,
    large: Annotated[int, typer.Option(help="Companies of the large index.")] = 60,
    years: Annotated[int, typer.Option(help="Years of bars.")] = 3,
    document: Annotated[Path | None, typer.Option(help="Also write the table here.")] = None,
) -> None:
    """Measure the derivation of every derived table."""
    with temporary_server() as home:
        tape = home / "tape"
        simulate(tape, seed=SEED, small=small, large=large, years=years, end=TAPE_END)
        with Sandbox.start(tape, home / "sandbox", clock=BEFORE) as sandbox:
            # an address in the shell would name another warehouse
            variables = sandbox_environment(sandbox) | {"DATABASE_URL": ""}
            settings = Settings(home=home, origin=sandbox.tape)
            ensure_up_to_date(settings)
            with prefect_server(settings) as server:
                environment = os.environ | variables | server | {"PREFECT_LOGGING_LEVEL": "ERROR"}
                loaded = load_sources(environment)
                with in_fresh_process() as apart:
                    full = apart(derive_all, settings)
                sandbox.set_clock(AFTER)
                loaded_again = load_sources(environment)
                with in_fresh_process() as apart:
                    increment = apart(derive_all, settings)
        bare = {"sector_breadth": bare_breadth_seconds(settings)}
        machine = describe_machine(settings)
    header = (
        "derived table",
        "from scratch: rows",
        "compute",
        "write",
        "bare Polars",
        "one more session: rows",
        "compute",
        "write",
        "times faster",
    )
    text = "\n".join(
        [
            "# Derived tables, from scratch and after one more session",
            "",
            f"{machine} A simulated market of {small + large} companies x {years} years. Seconds:"
            " `compute` reads and computes, `write` checks, compares and writes. Bare Polars is the"
            " computation alone, its frames in memory, where a table has one."
            f" The flows of the sources took {loaded:.0f} seconds before, and {loaded_again:.0f}"
            " for one more. `rows` are those derived again. A table with 0 had none: no quarter,"
            " season, window of a release or long run of outperformance ended that day.",
            "",
            *markdown_table(header, format_rows(full, increment, bare)),
            "",
        ]
    )
    print_and_write(text, document)


if __name__ == "__main__":
    typer.run(bench)
