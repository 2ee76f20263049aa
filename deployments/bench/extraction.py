"""Measure extraction beside short scripts with yfinance, over one sandbox.

Each function runs in a process of its own: yfinance keeps its session and caches per process.
"""

import os
import time
import warnings
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import polars as pl

from deployments.bench.market import LAST, make_market
from deployments.bench.timing import seconds
from expectations.calendars.trading import session_dates
from tasks.extract.yahoo.extract import PriceRequest, extract_prices, yahoo_request_policy
from tasks.ingest import yahoo_prices
from tasks.load.load import load
from tasks.plan.batched import batched
from tasks.plan.prices import StoredPrices
from tasks.run.context import open_run
from tasks.validate.validate import Checked, Refused, validate
from warehouse.settings import Settings

START = date(2000, 1, 1)
NOW = datetime(LAST.year, LAST.month, LAST.day, 23, tzinfo=UTC)


def make_session_bars(tickers: int, years: int) -> pl.DataFrame:
    """Return generated bars, with four prices, on the sessions of the exchange."""
    bars = make_market(tickers, years).bars.with_columns(
        pl.format("T{}", "instrument_id").alias("ticker"),
        pl.col("session_date").cast(pl.Date),
        pl.col("close").alias("open"),
        (pl.col("close") + 0.01).alias("high"),
        (pl.col("close") - 0.01).alias("low"),
    )
    sessions = session_dates(LAST - timedelta(days=366 * years), LAST)
    return bars.filter(pl.col("session_date").is_in(sessions))


def write_tape(folder: Path, tickers: int, years: int) -> list[str]:
    """Write a tape of generated bars on the sessions of the exchange; return its tickers."""
    folder.mkdir()
    header = f'name = "{folder.name}"\nkind = "simulated"\nclock = "{NOW:%Y-%m-%dT%H:%M:%SZ}"\n'
    (folder / "tape.toml").write_text(header)
    bars = make_session_bars(tickers, years)
    bars.write_parquet(folder / "bars.parquet")
    names = bars["ticker"].unique(maintain_order=True).to_list()
    first = bars.select(pl.col("session_date").min()).item()
    lines = [f"{name},{first},,EQUITY\n" for name in names]
    (folder / "instruments.csv").write_text(
        "ticker,first_session,last_session,type\n" + "".join(lines)
    )
    return names


def loop_seconds(environment: Mapping[str, str], cache: Path, tickers: list[str]) -> float:
    """Return the seconds of a bare loop over `Ticker.history`."""
    os.environ.update(environment)
    import yfinance as yf

    warnings.simplefilter("ignore")
    yf.set_tz_cache_location(str(cache))
    day_after = NOW.date() + timedelta(days=1)
    yf.Ticker(tickers[0]).history(start=START, end=day_after)  # cookies and caches
    return seconds(
        lambda: [
            yf.Ticker(ticker).history(start=START, end=day_after, auto_adjust=False)
            for ticker in tickers
        ]
    )


def download_seconds(environment: Mapping[str, str], cache: Path, tickers: list[str]) -> float:
    """Return the seconds of `yf.download`, which has its own threads."""
    os.environ.update(environment)
    import yfinance as yf

    warnings.simplefilter("ignore")
    yf.set_tz_cache_location(str(cache))
    day_after = NOW.date() + timedelta(days=1)
    yf.Ticker(tickers[0]).history(start=START, end=day_after)
    return seconds(
        lambda: yf.download(tickers, start=START, end=day_after, auto_adjust=False, progress=False)
    )


def stage_seconds(
    environment: Mapping[str, str], settings: Settings, tickers: list[str]
) -> dict[str, float]:
    """Return the seconds that our extraction, validation and loading take, stage by stage."""
    os.environ.update(environment)
    policy = yahoo_request_policy(settings)
    extract_prices.fn([PriceRequest(tickers[0], START)], NOW, settings, policy)
    source = yahoo_prices(settings)
    stages = {"extract": 0.0, "validate": 0.0, "load": 0.0}
    import great_expectations  # noqa: F401 - seconds that a running worker has behind it

    with open_run("bench", settings, publish_artifact=False) as run:
        for names in batched(tickers, settings.yahoo_batch_tickers):
            requests = [PriceRequest(name, START) for name in names]
            stored = StoredPrices(_no_closes(), _no_yields())
            began = time.perf_counter()
            reply = extract_prices.fn(requests, NOW, settings, policy)
            extracted_at = time.perf_counter()
            checked: list[Checked] = []
            for contract, frame in source.tables:
                found = validate(contract, frame(reply, stored, NOW, checked))
                assert not isinstance(found, Refused), found.message
                checked.append(found)
            validated_at = time.perf_counter()
            run.add(load.fn(reply.fetches, checked, run.writer))
            stages["extract"] += extracted_at - began
            stages["validate"] += validated_at - extracted_at
            stages["load"] += time.perf_counter() - validated_at
    return stages


def _no_closes() -> pd.DataFrame:
    return pd.DataFrame(columns=["ticker", "session_date", "close"])


def _no_yields() -> pd.DataFrame:
    return pd.DataFrame(columns=["ticker", "ex_date", "yield"])
