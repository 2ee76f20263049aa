"""Measure the price part of a run, stage by stage."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import psutil

from deployments.bench.timing import peak_memory_gb
from tasks.extract.yahoo.extract import PriceRequest, extract_prices, yahoo_request_policy
from tasks.ingest import yahoo_prices
from tasks.load.load import load
from tasks.plan.batched import batched
from tasks.plan.prices import price_requests, read_stored_prices
from tasks.run.context import open_run
from tasks.run.overlap import extract_ahead
from tasks.validate.validate import Checked, Refused, validate
from warehouse.connect.connections import connect
from warehouse.server.embedded import EmbeddedServer
from warehouse.settings import Settings

T = TypeVar("T")
STAGES = ("plan", "extract", "read stored", "validate", "load")


@dataclass(frozen=True)
class PriceRun:
    """What one run took.

    Attributes:
        stages: Seconds by stage. A batch is extracted while the one before is stored, so that
            their sum exceeds the run's.
        seconds: Of the run.
        cpu_seconds: Of the process, without PostgreSQL.
        server_cpu_seconds: Of PostgreSQL's connections and workers.
        peak_gb: The most memory of the process, without PostgreSQL.
        bars: Bars in the replies.
        rows_read: Rows that PostgreSQL read from `core.daily_price`.
    """

    stages: Mapping[str, float]
    seconds: float
    cpu_seconds: float
    server_cpu_seconds: float
    peak_gb: float
    bars: int
    rows_read: int

    @property
    def figures(self) -> dict[str, float]:
        """Return what grows, by the name of its column."""
        return {
            **self.stages,
            "run": self.seconds,
            "CPU": self.cpu_seconds,
            "server CPU": self.server_cpu_seconds,
            "peak GB": self.peak_gb,
            "stored bars read": self.rows_read,
        }


def run_prices(
    environment: Mapping[str, str], settings: Settings, tickers: Sequence[str], now: datetime
) -> PriceRun:
    """Plan and ingest prices as the flow does, without Prefect.

    Raises:
        AssertionError: A batch was refused, or a ticker was not loaded.
    """
    os.environ.update(environment)
    import great_expectations  # noqa: F401 - seconds that a running worker has behind it

    policy, source = yahoo_request_policy(settings), yahoo_prices(settings)
    # cookies, caches and imports
    extract_prices.fn([PriceRequest(tickers[0], now.date())], now, settings, policy)
    stages, bars = dict.fromkeys(STAGES, 0.0), 0
    read_before, server_before = _rows_read(settings), _server_cpu_seconds(settings)

    def timed(stage: str, call: Callable[[], T]) -> T:
        began = time.perf_counter()
        result = call()
        stages[stage] += time.perf_counter() - began
        return result

    def validate_reply(reply, stored) -> list[Checked]:  # type: ignore[no-untyped-def]
        checked: list[Checked] = []
        for contract, make_frame in source.tables:
            found = validate(contract, make_frame(reply, stored, now, checked))
            assert not isinstance(found, Refused), found.message
            checked.append(found)
        return checked

    with open_run("bench", settings, publish_artifact=False) as run:

        def store(requests, reply) -> None:  # type: ignore[no-untyped-def]
            nonlocal bars
            stored = timed("read stored", lambda: read_stored_prices(requests, settings))
            checked = timed("validate", lambda: validate_reply(reply, stored))
            run.add(timed("load", lambda: load.fn(reply.fetches, checked, run.writer)))
            assert (reply.fetches["status"] == "loaded").all()
            bars += len(reply.bars)

        began, cpu_began = time.perf_counter(), time.process_time()
        requests = timed("plan", lambda: price_requests(tickers, False, settings))
        extract_ahead(
            batched(requests, settings.yahoo_batch_tickers),
            lambda batch: timed("extract", lambda: extract_prices.fn(batch, now, settings, policy)),
            store,
            ahead=True,
        )
        taken, cpu_taken = time.perf_counter() - began, time.process_time() - cpu_began
    rows_read = _rows_read(settings) - read_before
    server_taken = _server_cpu_seconds(settings) - server_before
    return PriceRun(stages, taken, cpu_taken, server_taken, peak_memory_gb(), bars, rows_read)


def _rows_read(settings: Settings) -> int:
    """Return the rows that all statements so far have read from `core.daily_price`."""
    # a connection reports its counts at its end, which it does not wait for
    time.sleep(1)
    with connect(settings, "owner") as connection:
        row = connection.execute(
            """
            select (seq_tup_read + idx_tup_fetch)::bigint from pg_stat_user_tables
            where schemaname = 'core' and relname = 'daily_price'
            """
        ).fetchone()
    assert row is not None
    return int(row[0])


def _server_cpu_seconds(settings: Settings) -> float:
    """Return the CPU time of all connections and workers of the embedded server that have ended."""
    process_id = int((EmbeddedServer(settings.home).data / "postmaster.pid").read_text().split()[0])
    times = psutil.Process(process_id).cpu_times()
    return float(times.children_user + times.children_system)
