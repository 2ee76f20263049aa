"""Measure extracting, validating and loading prices beside what a short script would use.

All rows of the table come from one run on one machine: compare ratios of one table only.
"""

from pathlib import Path
from typing import Annotated

import typer

from deployments.bench.__main__ import in_fresh_process, temporary_server
from deployments.bench.dlt_loading import dlt_seconds
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
from deployments.bench.timing import (
    Measured,
    describe_machine,
    is_installed,
    markdown_table,
    print_and_write,
)
from deployments.bench.validation import BATCH_TICKERS, measure_validation
from deployments.sandbox.client import Sandbox
from deployments.stack.stack import sandbox_environment
from expectations.tables.daily_price import ROW_RULES
from warehouse.schema.migrate import ensure_up_to_date
from warehouse.settings import Settings

LARGE = (1000, 20)
HEADER = ("job", "seconds", "rate", "ratio")


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
    if is_installed("dlt"):
        measured |= dlt_seconds(settings, bars, home / "dlt")
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


def bench(
    tickers: Annotated[int, typer.Option(help="How many shares to load and validate.")] = 800,
    years: Annotated[int, typer.Option(help="Of how many years.")] = 5,
    extracted: Annotated[int, typer.Option(help="How many shares to extract.")] = 200,
    large: Annotated[bool, typer.Option(help="Also validate 5 million bars.")] = False,
    document: Annotated[Path | None, typer.Option(help="Also write the tables here.")] = None,
) -> None:
    """Measure extraction, validation and loading of prices."""
    with temporary_server() as home:
        loading = measure_loading(home, tickers, years)
        extraction, validation_pct = measure_extraction(home, extracted, years)
        machine = describe_machine(Settings(home=home, origin="bench-load"))
    validation = [
        measured
        for size in [(tickers, years), *([LARGE] if large else [])]
        for is_broken in (False, True)
        for measured in measure_validation(*size, is_broken)
    ]
    text = "\n".join(
        [
            "# Ingestion of prices beside other tools",
            "",
            f"{machine} The ratio is against the first row of its group; above 1 is faster.",
            "",
            f"## Load: {tickers} tickers x {years} years",
            "",
            "Ours commits by batch and keeps replaced rows, a fetch log and a change feed. dlt"
            " writes all bars at once, as Arrow over ADBC, without checks.",
            "",
            *markdown_table(HEADER, [each.cells for each in loading]),
            "",
            f"## Validate: batches of {BATCH_TICKERS} tickers",
            "",
            f"The first ways check the same {len(ROW_RULES)} rules and found the same number of"
            f" valid rows: {', '.join(rule.name for rule in ROW_RULES)}. The masks and Pandera"
            " return and count rows; ours also returns each broken row with its reason. The last"
            " row adds the rules that compare a row with its neighbours and with stored closes.",
            "",
            *markdown_table(HEADER, [each.cells for each in validation]),
            "",
            f"## Extract: {extracted} tickers x {years} years over the sandbox, no rate limit",
            "",
            *markdown_table(HEADER, [each.cells for each in extraction]),
            "",
            f"Validation takes {validation_pct:.0f} % of extracting, validating and loading, one"
            " after the other, of bars without splits or dividends.",
            "",
        ]
    )
    print_and_write(text, document)


if __name__ == "__main__":
    typer.run(bench)
