"""A tiny tape, a sandbox that replays it, and the real clients pointed at it."""

import base64
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import polars as pl
import pytest

from deployments.sandbox.client import Sandbox
from tests.deployments.sandbox.filings import write_filings

CLIENTS = Path(__file__).with_name("clients.py")
CLOCK = "2024-03-12T23:00:00Z"
# 2024-03-08 is the last session in winter time. AAA splits 4:1 on the 11th and pays on the 12th.
BARS = """ticker,session_date,open,high,low,close,volume
AAA,2024-03-07,396,404,392,400,1000
AAA,2024-03-08,400,410,398,408,1100
AAA,2024-03-11,101,104,100,103,4400
AAA,2024-03-12,102.5,103.5,101.5,102,4000
BBB,2024-03-07,1,1.2,0.9,1.1,50000
BBB,2024-03-08,1.1,1.3,1,1.2,60000
BBB,2024-03-11,1.2,1.4,1.1,1.3,70000
BBB,2024-03-12,13,14,12,13.5,8000
DEAD,2024-03-07,5,5,5,5,10
DEAD,2024-03-08,6,6,6,6,20
EEE,2024-11-27,200,202,199,201,500
EEE,2024-11-29,201,204,200,203,300
EEE,2024-12-02,203,205,202,204,600
LATE,2024-12-02,20,21,19,20.5,900
OLD,2024-03-07,10,11,9,10.5,100
OLD,2024-03-08,10.5,12,10,11,200
NEW,2024-03-11,11,13,11,12.5,300
NEW,2024-03-12,12.5,13,12,12,400
TWICE,2024-03-07,3,3,3,3,30
TWICE,2024-03-08,4,4,4,4,40
TWICE,2024-11-29,70,75,65,72,700
^VIX,2024-03-11,15,16,14,15.5,0
^VIX,2024-03-12,15.5,15.9,13,14,0
"""
ACTIONS = """ticker,ex_date,kind,value
AAA,2024-03-11,split,4.0
AAA,2024-03-12,dividend,0.5
AAA,2024-03-08,dividend,2.0
BBB,2024-03-12,split,0.1
EEE,2024-11-29,dividend,1.0
EEE,2024-12-02,capital_gain,2.03
"""
INSTRUMENTS = """ticker,first_session,last_session,type,renamed_to,renamed_on
AAA,2024-03-07,2024-03-12,EQUITY,,
BBB,2024-03-07,2024-12-02,EQUITY,,
DEAD,2024-03-07,2024-03-08,EQUITY,,
EEE,2024-11-27,2024-12-02,ETF,,
LATE,2024-12-02,2024-12-02,EQUITY,,
OLD,2024-03-07,2024-03-08,EQUITY,NEW,2024-03-11
NEW,2024-03-11,2024-12-02,EQUITY,,
TWICE,2024-03-07,2024-03-08,EQUITY,,
TWICE,2024-11-29,2024-12-02,EQUITY,,
^VIX,2024-03-11,2024-12-02,INDEX,,
"""
# The split of the 12th was forgotten on the 7th, the bar of the 11th is null for an hour, and a
# Saturday and a day to come have rows.
DEFECTS = """ticker,session_date,open,high,low,close,volume,kind,visible_from,visible_to
BBB,2024-03-07,1,1.2,0.9,1.1,50000,split_not_applied,,
BBB,2024-03-11,,,,,,null_row,2024-03-12T22:00:00,2024-03-12T23:30:00
BBB,2024-03-09,1.2,1.3,1.1,1.25,5,extra,2024-03-12T21:00:00,
BBB,2024-03-20,9,9,9,9,9,extra_future,2024-03-12T23:45:00,2024-03-13T00:00:00
"""
SERIES = """series_id,title,frequency,units,seasonal_adjustment,release_id
CPI,Prices & "wages",Monthly,Index,SA,10
DAILY,A daily rate,Daily,Percent,NSA,18
"""
# January is revised on 2024-03-12 and December never had a value.
OBSERVATIONS = """series_id,observation_date,value,realtime_start,realtime_end
CPI,2023-11-01,307.1,2023-12-12,9999-12-31
CPI,2023-12-01,,2024-01-11,9999-12-31
CPI,2024-01-01,309.685,2024-02-13,2024-03-11
CPI,2024-01-01,309.7,2024-03-12,9999-12-31
CPI,2024-02-01,311,2024-03-12,9999-12-31
CPI,2024-03-01,312.5,2024-04-10,9999-12-31
"""
RELEASES = """release_id,date
10,2024-02-13
10,2024-03-12
10,2024-04-10
"""
HOLDINGS = (
    '\ufeffiShares Russell 2000 ETF\nFund Holdings as of,"{}"\n\u00a0\nTicker,Name\n"A","Ä"\n'
)


def _table(text, **types):
    return pl.read_csv(StringIO(text), schema_overrides=types, try_parse_dates=True)


def write_tape(folder):
    """Write the tiny tape."""
    folder.mkdir(parents=True)
    label = f'name = "tiny"\nkind = "simulated"\nclock = "{CLOCK}"\n'
    (folder / "tape.toml").write_text(label, encoding="utf-8")
    prices = dict.fromkeys(("open", "high", "low", "close"), pl.Float64)
    _table(BARS, **prices).write_parquet(folder / "bars.parquet")
    defects = _table(DEFECTS, **prices)
    defects = defects.with_columns(pl.col("visible_from", "visible_to").dt.replace_time_zone("UTC"))
    defects.write_parquet(folder / "defects.parquet")
    # A rate of 2,001 vintages, one a day.
    days = pl.date_range(pl.date(2018, 1, 1), pl.date(2018, 1, 1) + pl.duration(days=2000))
    daily = pl.select(observation_date=days).with_columns(
        series_id=pl.lit("DAILY"),
        value=pl.lit(4.5),
        realtime_start=pl.col("observation_date"),
        realtime_end=pl.date(9999, 12, 31),
    )
    monthly = _table(OBSERVATIONS, value=pl.Float64)
    both = pl.concat([monthly, daily.select(monthly.columns)])
    both.write_parquet(folder / "observations.parquet")
    texts = {"actions": ACTIONS, "instruments": INSTRUMENTS, "series": SERIES}
    for name, text in (texts | {"release_dates": RELEASES}).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "holdings" / "IWM").mkdir(parents=True)
    for day in ("2024-03-08", "2024-03-11", "2024-03-12"):
        file = folder / "holdings" / "IWM" / f"{day}.csv"
        file.write_bytes(HOLDINGS.format(day).encode())
    write_filings(folder)
    return folder


class Clients:
    """The real clients, in a process of their own."""

    def __init__(self, environment, log):
        command = [sys.executable, "-W", "ignore", str(CLIENTS)]
        self.process = subprocess.Popen(
            command,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def _run(self, name, *arguments, **options):
        self.process.stdin.write(json.dumps([name, arguments, options]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def history(self, ticker, **options):
        """Rows by date, each a dictionary by column; or the error."""
        reply = self._run("history", ticker, **options)
        if "error" in reply:
            return reply
        columns = reply["result"]["columns"]
        return {row[0]: dict(zip(columns, row, strict=True)) for row in reply["result"]["rows"]}

    def fred(self, method, *arguments, **options):
        """What fredapi returns, or the error."""
        reply = self._run("fred", method, *arguments, **options)
        return reply.get("result", reply)

    def get(self, url, **options):
        """Status, body and headers, or the error."""
        reply = self._run("get", url, **options)
        result = reply.get("result", reply)
        if "body" in result:
            result["body"] = base64.b64decode(result["body"])
        return result

    def chart(self, ticker, **params):
        """The JSON of a chart as Yahoo would send it."""
        url = f"https://query2.finance.yahoo.com/v8/finance/chart/{ticker}"
        return json.loads(self.get(url, params=params)["body"])["chart"]

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait(timeout=120)
        self.process.stdout.close()


@pytest.fixture(scope="session")
def tiny_tape(tmp_path_factory):
    return write_tape(tmp_path_factory.mktemp("tapes") / "tiny")


@pytest.fixture(scope="session")
def running(tiny_tape, tmp_path_factory):
    with Sandbox.start(tiny_tape, tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def start_clients():
    """Starts the clients of a sandbox; a context manager."""

    @contextmanager
    def start(sandbox):
        with (sandbox.home / "clients.log").open("w") as log:
            clients = Clients(sandbox.environment(), log)
            try:
                yield clients
            finally:
                clients.close()

    return start


@pytest.fixture(scope="session")
def all_clients(running, start_clients):
    with start_clients(running) as clients:
        yield clients


@pytest.fixture
def sandbox(running):
    """The sandbox at the tape's clock, without faults, with an empty log."""
    running.set_clock(CLOCK)
    running.clear_faults()
    running.clear_requests()
    return running


@pytest.fixture
def clients(sandbox, all_clients):
    return all_clients


@pytest.fixture(scope="session")
def real_tapes():
    folder = os.environ.get("ROTATION_TEST_TAPES")
    if not folder:
        pytest.skip("ROTATION_TEST_TAPES is unset: it names a folder of tapes of real market data")
    return Path(folder)
