"""Time calls, measure memory, and describe measurements."""

import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import typer

from warehouse.connect.connections import connect
from warehouse.settings import Settings

PACKAGES = ("pandas", "polars", "adbc-driver-postgresql", "great-expectations", "yfinance")
# only for comparisons, so not in requirements.lock
OTHER_TOOLS = ("dlt", "pandera")
INSTALL_OTHER_TOOLS = "`.venv/bin/pip install --editable '.[bench]'`"


@dataclass(frozen=True)
class Measured:
    """Seconds of one way to do a job, beside those of the way it is compared with."""

    job: str
    seconds: float
    compared_with: float
    count: int
    unit: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Return the row of the table; above 1 the job is faster than its comparison."""
        rate, ratio = self.count / self.seconds, self.compared_with / self.seconds
        return self.job, f"{self.seconds:.2f}", f"{rate:,.0f} {self.unit}/s", f"{ratio:.2f}"


def seconds(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def peak_memory_gb() -> float:
    """Return the most memory that this process has had, in GB."""
    status = Path("/proc/self/status")
    if status.exists():
        # unlike ru_maxrss, this does not begin with the peak of the process that started this one
        line = next(each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def is_installed(tool: str) -> bool:
    """Return whether one of `OTHER_TOOLS` can be imported."""
    return find_spec(tool) is not None


def describe_machine(settings: Settings, packages: Sequence[str] = PACKAGES) -> str:
    """Return processor count, system, versions, load, and which tools are not installed."""
    with connect(settings, "owner") as connection:
        server = connection.info.server_version // 10000
    present = [*packages, *filter(is_installed, OTHER_TOOLS)]
    versions = ", ".join(f"{name} {version(name)}" for name in present)
    absent = ", ".join(name for name in OTHER_TOOLS if not is_installed(name))
    missing = f" Not installed, so not measured: {absent}; {INSTALL_OTHER_TOOLS}." if absent else ""
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, PostgreSQL {server}, {versions}. Load of the"
        f" machine: {os.getloadavg()[0]:.0f} (1 is one busy core).{missing}"
    )


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, aligned right but for its first column."""
    lines = (f"| {' | '.join(cells)} |" for cells in (header, *rows))
    first = next(lines)
    return [first, "|---|" + "---:|" * (len(header) - 1), *lines]


def print_and_write(text: str, document: Path | None) -> None:
    """Print a document, and write it to a file if one is given."""
    typer.echo(text)
    if document is not None:
        document.write_text(text, encoding="utf-8")
