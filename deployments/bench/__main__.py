"""Run the benchmark on one machine and print the results side by side.

Compare ratios of one run only: other machines have other ones.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from traceback import format_exc
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from deployments.bench.market import SESSIONS_A_YEAR, fill, make_market
from deployments.bench.measure import bare_seconds, increment, rebuild, window_seconds
from tasks.run.context import open_run
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

SHORT_YEARS = 2
console = Console(width=110)


def bench(
    tickers: Annotated[int, typer.Option(help="How many shares.")] = 2500,
    years: Annotated[int, typer.Option(help="Of how many years.")] = 20,
    fraction: Annotated[int, typer.Option(help="One in how many for window functions.")] = 50,
) -> None:
    """Measure the derivation of sector_breadth."""
    market = make_market(tickers, years)
    size = f"{tickers:,} tickers x {years} years: {market.bars.height:,} bars"
    console.print(f"{size}, {os.cpu_count()} cores")
    bare = bare_seconds(market)
    with temporary_server() as home:
        long, short = (Settings(home=home, origin=f"bench-{n}") for n in (years, SHORT_YEARS))
        cut = market.bars["session_date"].unique().sort()[-SHORT_YEARS * SESSIONS_A_YEAR]
        for settings, part in ((long, market), (short, market.since(cut))):
            with console.status(f"Filling {settings.origin}"):
                ensure_up_to_date(settings)
                with open_run("bench", settings) as filling:
                    fill(filling, part, tickers)
        with in_fresh_process() as apart:
            read_and_derive, written, peak = apart(rebuild, long)
        full = read_and_derive + written
        with in_fresh_process() as apart:
            apart(rebuild, short)
            increments = {s: apart(increment, s, tickers) for s in (long, short)}
        windows = window_seconds(long, tickers // fraction) * fraction
    table = Table("what", "seconds", "ratio to the first", title="sector_breadth")
    rows = {
        "bare computation, frames in memory": bare,
        "full rebuild": full,
        "  of it: read and compute": read_and_derive,
        "  of it: check and write": written,
        f"one more session, {years} years stored": increments[long],
        f"one more session, {SHORT_YEARS} years stored": increments[short],
        f"window functions (1 in {fraction}, times {fraction})": windows,
    }
    for what, seconds in rows.items():
        table.add_row(what, f"{seconds:.2f}", f"{seconds / bare:.2f}")
    console.print(table)
    console.print(f"one more session / full rebuild: 1/{full / increments[long]:.1f}")
    console.print(
        f"{years} years stored / {SHORT_YEARS}: {increments[long] / increments[short]:.2f}"
    )
    console.print(f"peak memory of the process that rebuilds: {peak:.2f} GB")


@contextmanager
def temporary_server() -> Iterator[Path]:
    """Yield the folder of an embedded server and remove it afterwards."""
    home = Path(tempfile.mkdtemp(prefix="rotation-bench-"))
    home.chmod(0o711)
    server = EmbeddedServer(home)
    try:
        yield home
    finally:
        server.stop()
        shutil.rmtree(server.data, ignore_errors=True)
        shutil.rmtree(home)


@contextmanager
def in_fresh_process() -> Iterator[Callable[..., Any]]:
    """Call functions in a fresh process, so that peak memory is measured alone."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda call, *arguments: pool.submit(_call, call, *arguments).result()


def _call(call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except Exception:
        # an error of ADBC cannot be sent to another process
        raise RuntimeError(format_exc()) from None


if __name__ == "__main__":
    typer.run(bench)
