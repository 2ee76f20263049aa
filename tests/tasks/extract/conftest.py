"""Provide a small tape, a sandbox that replays it, and a worker process.

The providers' libraries keep state of the whole process (cookies, crumbs, caches, openers), so
they run in a process of their own, with the sandbox's variables in its environment.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from deployments.sandbox.client import Sandbox
from expectations.calendars.trading import next_session
from warehouse.settings import Settings

CLOCK = datetime(2024, 6, 7, 22, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
ROOT = Path(__file__).resolve().parents[3]
HOLDINGS = Path(__file__).parent / "ishares" / "holdings"


@dataclass
class Worker:
    """Run functions in another process, which uses the sandbox."""

    process: subprocess.Popen[bytes]

    def call(self, name: str, *args: Any) -> Any:
        """Run `module:function` and return its value, or raise its exception."""
        assert self.process.stdin
        assert self.process.stdout
        pickle.dump((name, args), self.process.stdin)
        self.process.stdin.flush()
        succeeded, value = pickle.load(self.process.stdout)
        if not succeeded:
            raise value
        return value


def fetch_results(fetches: pd.DataFrame) -> list[tuple[str, str | None, int, int]]:
    """Return status, reason, rows and attempts of each fetch."""
    columns = ["status", "reason", "rows", "attempts"]
    found = fetches[columns].astype(object)
    return list(found.where(found.notna(), None).itertuples(index=False, name=None))


@pytest.fixture(scope="session")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tape of a few listings, one series with revisions and one holdings file."""
    folder = tmp_path_factory.mktemp("tape")
    (folder / "tape.toml").write_text(
        'name = "extract-test"\nkind = "simulated"\nclock = "2024-06-07T22:00:00Z"\n'
    )
    sessions = _sessions(date(2024, 5, 20), 18)
    pd.concat(
        [
            # a price that loses digits when a split by 10 is applied and undone
            _split(_bars("SPLT", sessions, 1208.88, 1_234_567), 10),
            _split(_bars("REVS", sessions, 0.4321, 98_765), 0.05),
            _bars("EVEN", sessions, 50.0, 1_000),
            _bars("GONE", sessions[:5], 20.0, 500),
            # no bar on 5 June, the ex-date of a split, nor on the clock's day
            _bars("ODDS", [*sessions[:11], sessions[12]], 30.0, 300),
        ]
    ).to_parquet(folder / "bars.parquet")
    _defects().to_parquet(folder / "defects.parquet")
    (folder / "actions.csv").write_text(
        "ticker,ex_date,kind,value\n"
        "SPLT,2024-05-24,dividend,0.37\n"
        "SPLT,2024-06-10,split,10\n"
        "REVS,2024-06-10,split,0.05\n"
        "ODDS,2024-05-26,dividend,0.11\n"
        "ODDS,2024-06-05,split,2\n"
        "ODDS,2024-06-07,dividend,0.12\n"
    )
    (folder / "instruments.csv").write_text(
        "ticker,first_session,last_session,type\n"
        "SPLT,2024-05-20,,EQUITY\nREVS,2024-05-20,,EQUITY\nEVEN,2024-05-20,,ETF\n"
        "ODDS,2024-05-20,,EQUITY\n"
        f"GONE,2024-05-20,{sessions[4]},EQUITY\n"
    )
    (folder / "series.csv").write_text(
        "series_id,title,frequency,units,seasonal_adjustment,release_id\n"
        "CPIAUCSL,CPI,Monthly,Index,SA,10\n"
    )
    _observations().to_parquet(folder / "observations.parquet")
    (folder / "holdings" / "IWM").mkdir(parents=True)
    (folder / "holdings" / "IWM" / "2024-06-06.csv").write_bytes(
        (HOLDINGS / "2024.csv").read_bytes()
    )
    return folder


@pytest.fixture(scope="session")
def running_sandbox(tape: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Start one sandbox for the test session."""
    with Sandbox.start(tape, tmp_path_factory.mktemp("sandbox"), CLOCK) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """Reset the sandbox: its clock, no faults, no requests."""
    running_sandbox.clear_faults()
    running_sandbox.clear_requests()
    running_sandbox.set_clock(CLOCK)
    return running_sandbox


@pytest.fixture(scope="module")
def worker(running_sandbox: Sandbox) -> Iterator[Worker]:
    """Start one process for the module's provider."""
    script = Path(__file__).with_name("worker.py")
    environment = os.environ | running_sandbox.environment() | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as process:
        yield Worker(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def settings(running_sandbox: Sandbox) -> Settings:
    """Return settings without waiting, as the sandbox has no rate limits."""
    update: dict[str, Any] = {
        "home": running_sandbox.home,
        "origin": running_sandbox.tape,
        "fred_api_key": SecretStr(KEY),
    }
    for name in ("yahoo", "fred", "ishares"):
        update |= {
            f"{name}_requests_per_second": 1000.0,
            f"{name}_timeout_seconds": 120.0,
            f"{name}_backoff_seconds": 0.0,
            f"{name}_attempts": 2,
        }
    return Settings(**update)


@pytest.fixture
def short_timeouts(settings: Settings) -> Settings:
    """Return settings for replies that hang; on a busy machine other replies may time out."""
    names = ("yahoo", "fred", "ishares")
    return settings.model_copy(update={f"{name}_timeout_seconds": 2.0 for name in names})


def _sessions(first: date, count: int) -> list[date]:
    days = [first]
    while len(days) < count:
        days.append(next_session(days[-1]))
    return days


def _bars(ticker: str, sessions: list[date], price: float, volume: int) -> pd.DataFrame:
    rows = [
        {
            "ticker": ticker,
            "session_date": day,
            "open": round(price + 0.01 * i, 4),
            "high": round(price + 0.03 * i + 0.01, 4),
            "low": round(price - 0.01, 4),
            "close": round(price + 0.02 * i, 4),
            "volume": volume + 7 * i,
        }
        for i, day in enumerate(sessions)
    ]
    return pd.DataFrame(rows)


def _split(bars: pd.DataFrame, ratio: float) -> pd.DataFrame:
    """Return the bars with prices that follow the split of 10 June."""
    prices = ["open", "high", "low", "close"]
    is_after = bars["session_date"] >= date(2024, 6, 10)
    bars.loc[is_after, prices] = (bars.loc[is_after, prices] / ratio).round(4)
    return bars


def _defects() -> pd.DataFrame:
    """Return defects of Yahoo: a null row, a Saturday's row, a session sent twice."""
    rows = [
        ("ODDS", date(2024, 5, 22), None, None, "null"),
        ("ODDS", date(2024, 5, 25), 31.0, 7, "extra"),
        ("ODDS", date(2024, 5, 28), 32.0, 9, "extra"),
    ]
    frame = pd.DataFrame(rows, columns=["ticker", "session_date", "close", "volume", "kind"])
    for name in ("open", "high", "low"):
        frame[name] = frame["close"]
    return frame.astype({"volume": "Int64"})


def _observations() -> pd.DataFrame:
    rows = [
        # March: published in April, revised in May. April: published in May. October: a dot.
        ("2024-03-01", 312.1, "2024-04-10", "2024-05-14"),
        ("2024-03-01", 312.2, "2024-05-15", "9999-12-31"),
        ("2024-04-01", 313.2, "2024-05-15", "9999-12-31"),
        ("2024-02-01", 311.1, "2024-04-10", "9999-12-31"),
        ("2024-01-01", None, "2024-04-10", "9999-12-31"),
        # May: published after the clock
        ("2024-05-01", 313.0, "2024-06-12", "9999-12-31"),
    ]
    columns = ["observation_date", "value", "realtime_start", "realtime_end"]
    frame = pd.DataFrame(rows, columns=columns).assign(series_id="CPIAUCSL")
    for name in ("observation_date", "realtime_start", "realtime_end"):
        frame[name] = pd.Series([date.fromisoformat(text) for text in frame[name]], dtype=object)
    return frame
