"""The sandbox over a tape of real market data, where there is one."""

import gzip
import json
from datetime import date

import polars as pl
import pytest

from deployments.sandbox.client import Sandbox

WINDOW = {"start": "2023-11-01", "end": "2100-01-01"}
# Their dividends are rounded to the cent on the tape.
ROUNDED = ("NVDA", "NBN")


@pytest.fixture(scope="module")
def real(real_tapes, tmp_path_factory):
    with Sandbox.start(real_tapes / "real-2024", tmp_path_factory.mktemp("real")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def real_clients(real, start_clients):
    with start_clients(real) as clients:
        yield clients


@pytest.fixture(scope="module")
def traded(real_tapes):
    return pl.read_parquet(real_tapes / "real-2024" / "bars.parquet")


def test_nvidia_across_its_split(real, real_clients, traded):
    own = traded.filter(pl.col("ticker") == "NVDA")
    as_traded = dict(own.select("session_date", "close").iter_rows())
    for clock, factor in (("2024-06-07T23:00:00Z", 1), ("2024-06-10T23:00:00Z", 10)):
        real.set_clock(clock)
        rows = real_clients.history("NVDA", **WINDOW)
        for day, row in rows.items():
            split = factor if day < "2024-06-10" else 1
            expected = as_traded[date.fromisoformat(day)]
            assert row["Close"] * split == pytest.approx(expected, rel=1e-12)
    assert rows["2024-06-10"]["Stock Splits"] == 10


def test_adjclose_agrees_with_the_vendors_own(real, real_clients, real_tapes):
    real.set_clock("2024-10-31T23:00:00Z")
    vendor = pl.read_parquet(real_tapes / "real-2024-vendor-adjusted.parquet")
    names = sorted(set(vendor["ticker"]) - set(ROUNDED))
    compared = 0
    for name in ["AAPL", "AVGO", "CMG", "SMCI", "WMT", *names[::100]]:
        theirs = vendor.filter(pl.col("ticker") == name).select("session_date", "vendor_adj_close")
        ours = {day: row["Adj Close"] for day, row in real_clients.history(name, **WINDOW).items()}
        pairs = [(ours[str(day)], value) for day, value in theirs.iter_rows() if str(day) in ours]
        # Equal but for one factor per ticker: theirs is of a later day.
        ratios = [our / value for our, value in pairs]
        assert max(ratios) / min(ratios) == pytest.approx(1, abs=1e-5), name
        compared += len(pairs)
    assert compared > 5000


def test_prices_and_revisions_of_the_price_index(real, real_clients):
    real.set_clock("2024-02-13T23:00:00Z")
    assert real_clients.fred("get_series", "CPIAUCSL")["2024-01-01"] == 309.685
    assert real_clients.fred("get_series", "CPIAUCNS")["2024-01-01"] == 308.417
    real.set_clock("2024-02-12T23:00:00Z")
    assert "2024-01-01" not in real_clients.fred("get_series", "CPIAUCSL")
    reply = real_clients.fred("get_series_all_releases", "DGS10")
    assert "exceeds the maximum number of vintage dates allowed (2000)" in reply["text"]


def test_the_holdings_file_is_served_whole(real, real_clients, real_tapes):
    real.set_clock("2024-10-31T23:00:00Z")
    url = "https://www.ishares.com/us/products/239710/ishares-russell-2000-etf/latest-holdings.csv"
    (file,) = (real_tapes / "real-2024" / "holdings" / "IWM").glob("*.csv")
    assert real_clients.get(url)["body"] == file.read_bytes()


def test_apples_facts_are_those_filed_by_the_clock(real, real_clients, real_tapes):
    real.set_clock("2024-10-31T23:00:00Z")  # the day before its yearly report
    agent = {"User-Agent": "Sample Company research@example.com"}
    name = "CIK0000320193.json"
    reply = real_clients.get(f"https://data.sec.gov/api/xbrl/companyfacts/{name}", headers=agent)
    shown = json.loads(reply["body"])["facts"]
    stored = json.loads(
        gzip.decompress((real_tapes / "real-2024" / "companyfacts" / f"{name}.gz").read_bytes())
    )["facts"]

    def filed(facts):
        return [
            (tag, fact["accn"], fact.get("start"), fact["end"], fact["val"], fact["filed"])
            for tags in facts.values()
            for tag, about in tags.items()
            for each in about["units"].values()
            for fact in each
        ]

    assert filed(shown) == [row for row in filed(stored) if row[-1] <= "2024-10-31"]
    assert max(row[-1] for row in filed(shown)) == "2024-08-02"
    assert max(row[-1] for row in filed(stored)) > "2025"
    recent = json.loads(
        real_clients.get(f"https://data.sec.gov/submissions/{name}", headers=agent)["body"]
    )
    assert recent["filings"]["recent"]["form"][0] == "10-Q"
    assert recent["filings"]["recent"]["reportDate"][0] == "2024-06-29"
    assert recent["tickers"] == ["AAPL"]
