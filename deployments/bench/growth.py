"""Measure how the price part of a run grows with tickers, and with the years stored.

Backfills of generated bars over a sandbox, each followed by daily runs of the next sessions.
Exponents are slopes of logarithms: 1 is time in proportion, 0 is time that does not depend.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from typing import Annotated

import numpy as np
import typer

from deployments.bench.__main__ import in_fresh_process, temporary_server
from deployments.bench.extraction import write_tape
from deployments.bench.market import LAST
from deployments.bench.price_run import PriceRun, run_prices
from deployments.bench.timing import describe_machine, markdown_table, print_and_write
from deployments.sandbox.client import Sandbox
from deployments.stack.stack import sandbox_environment
from expectations.calendars.trading import session_dates
from warehouse.connect.connections import connect
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

DAILY_RUNS = 3


@dataclass(frozen=True)
class Size:
    """What was measured with so many tickers and years."""

    tickers: int
    years: int
    backfill: PriceRun
    daily: Sequence[PriceRun]

    @property
    def middle_daily(self) -> PriceRun:
        """Return the daily run of the median seconds."""
        middle = median(run.seconds for run in self.daily)
        return next(run for run in self.daily if run.seconds == middle)


def fit_slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the exponent of growth: the slope of the logarithms, by least squares.

    Args:
        points: Size and value, all above 0; at least two sizes.
    """
    sizes, values = np.log(np.array(points, dtype=float)).T
    return float(np.polyfit(sizes, values, 1)[0])


def fit_exponents(points: Sequence[tuple[int, int, float]]) -> list[str]:
    """Return the exponents by tickers and by years, each the mean over the other size.

    Args:
        points: Tickers, years and value. Where values are 0, there is no exponent.
    """
    found = []
    for size, other in ((0, 1), (1, 0)):
        groups: dict[float, list[tuple[float, float]]] = {}
        for point in points:
            groups.setdefault(point[other], []).append((point[size], point[2]))
        are_positive = all(value > 0 for *_, value in points)
        slopes = [fit_slope(group) for group in groups.values() if are_positive and len(group) > 1]
        found.append(f"{fmean(slopes):.2f}" if slopes else "")
    return found


def measure_size(home: Path, tickers: int, years: int) -> Size:
    """Backfill a fresh warehouse, then run the next sessions."""
    tape = home / f"bench-{tickers}-{years}"
    names = write_tape(tape, tickers, years)
    *_, end = days = session_dates(LAST - timedelta(days=30), LAST)[-DAILY_RUNS - 1 :]
    assert end == LAST
    with Sandbox.start(tape, home / "sandbox", clock=_evening(days[0])) as sandbox:
        environment = sandbox_environment(sandbox)
        settings = Settings(
            home=home, origin=sandbox.tape, yahoo_requests_per_second=1000, yahoo_attempts=1
        )
        ensure_up_to_date(settings)
        with in_fresh_process() as apart:
            backfill = apart(run_prices, environment, settings, names, _evening(days[0]))
        # a later error must not lose an hour's measurement
        typer.echo(f"{sandbox.tape}: {backfill}", err=True)
        with connect(settings, "owner") as connection:
            connection.autocommit = True
            # as autovacuum does before the next day
            connection.execute("vacuum analyze core.daily_price")
        daily = []
        with in_fresh_process() as apart:
            for day in days[1:]:
                sandbox.set_clock(_evening(day))
                daily.append(apart(run_prices, environment, settings, names, _evening(day)))
    return Size(tickers, years, backfill, daily)


def _evening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 23, tzinfo=UTC)


def format_runs(sizes: Sequence[Size], runs: Sequence[PriceRun]) -> list[str]:
    """Return the lines of the table of runs, one per size."""
    rows = [
        [
            f"{size.tickers:,}",
            str(size.years),
            f"{run.bars:,}",
            *(f"{value:,.{2 * isinstance(value, float)}f}" for value in run.figures.values()),
        ]
        for size, run in zip(sizes, runs, strict=True)
    ]
    return markdown_table(("tickers", "years", "bars", *runs[0].figures), rows)


def exponent_rows(sizes: Sequence[Size]) -> list[list[str]]:
    """Return the rows of the table of exponents."""
    return [
        [
            name,
            *fit_exponents([(s.tickers, s.years, s.backfill.figures[name]) for s in sizes]),
            *fit_exponents([(s.tickers, s.years, s.middle_daily.figures[name]) for s in sizes]),
        ]
        for name in sizes[0].backfill.figures
    ]


def describe_history(sizes: Sequence[Size]) -> list[str]:
    """Return a sentence per number of tickers: the daily run after most and least years."""
    lines = []
    for tickers in sorted({size.tickers for size in sizes}):
        of_tickers = [size for size in sizes if size.tickers == tickers]
        short = min(of_tickers, key=lambda size: size.years)
        long = max(of_tickers, key=lambda size: size.years)
        if short is long:
            continue
        ratios = [
            fmean(getattr(run, name) for run in long.daily)
            / fmean(getattr(run, name) for run in short.daily)
            for name in ("seconds", "cpu_seconds", "server_cpu_seconds")
        ]
        lines.append(
            f"{tickers:,} tickers, {long.years} years stored against {short.years}: a daily run"
            f" takes {ratios[0]:.2f} times the seconds, {ratios[1]:.2f} times the CPU and"
            f" {ratios[2]:.2f} times the CPU of PostgreSQL (means)."
        )
    return lines


def bench(
    tickers: Annotated[list[int], typer.Option(help="How many shares; may be repeated.")] = [  # noqa: B006
        250,
        1000,
    ],
    years: Annotated[list[int], typer.Option(help="Years stored; may be repeated.")] = [  # noqa: B006
        1,
        20,
    ],
    document: Annotated[Path | None, typer.Option(help="Also write the tables here.")] = None,
) -> None:
    """Measure backfills and daily runs of prices by tickers and years."""
    with temporary_server() as home:
        sizes = [measure_size(home, each, length) for each in tickers for length in years]
        machine = describe_machine(Settings(home=home, origin=f"bench-{tickers[0]}-{years[0]}"))
    text = "\n".join(
        [
            "# Growth of a run of prices",
            "",
            f"{machine} Seconds over the sandbox, without a rate limit. A batch is extracted while"
            " the one before is stored, so stages overlap and wait for each other:"
            " compare `run` and `CPU`. CPU and memory are those of the run's process, server CPU"
            " that of PostgreSQL's connections and workers. Of"
            f" {DAILY_RUNS} daily runs, the one of the median seconds.",
            "",
            "## Backfill",
            "",
            *format_runs(sizes, [size.backfill for size in sizes]),
            "",
            "## Daily run, by years stored",
            "",
            *format_runs(sizes, [size.middle_daily for size in sizes]),
            "",
            *describe_history(sizes),
            "",
            "## Exponents",
            "",
            "Slopes of logarithms: 1 is growth in proportion, 0 is none.",
            "",
            *markdown_table(
                ("", "backfill by tickers", "by years", "daily run by tickers", "by years stored"),
                exponent_rows(sizes),
            ),
            "",
        ]
    )
    print_and_write(text, document)


if __name__ == "__main__":
    typer.run(bench)
