"""A simulated market's filings, loaded without flows, with the truth behind them."""

import gzip
import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from tasks.derive.xbrl.facts import Fact
from tests.tasks.derive.filings import LISTED, Filers, fact

MEMBERS_FROM = date(2022, 1, 3)
RATES = ("DFF", "DBAA", "BAMLH0A0HYM2EY")


def truth(tape: Path, name: str) -> pl.DataFrame:
    """One of the tape's tables of truth."""
    return pl.read_csv(tape / f"truth_{name}.csv", try_parse_dates=True, infer_schema_length=None)


def members_of(tape: Path) -> pl.DataFrame:
    """The companies; a symbol that was given out again is the later one's."""
    return truth(tape, "companies_debt").unique("ticker", keep="last", maintain_order=True)


def load_market(filers: Filers, tape: Path) -> None:
    """All filings, all companies as members of the Russell 2000, their prices, and the rates."""
    every = truth(tape, "companies_debt")["cik"]
    filers.load_all({cik: _read_facts(tape, cik) for cik in every})
    companies = members_of(tape)
    filers.load_tickers(dict(companies.select("ticker", "cik").iter_rows()))
    members = [
        (ticker, sector, 1.0) for ticker, sector in companies.select("ticker", "sector").rows()
    ]
    filers.house.load_snapshot("R2000", MEMBERS_FROM, members)
    seen = pl.read_parquet(tape / "observations.parquet").filter(
        pl.col("series_id").is_in(RATES) & (pl.col("observation_date") >= date(2019, 1, 1))
    )
    seen = seen.drop_nulls("value").unique(["series_id", "observation_date"])
    filers.load_rates(seen.select("series_id", "observation_date", "value").rows())
    bars = pl.read_parquet(tape / "bars.parquet").filter(
        pl.col("ticker").is_in(companies["ticker"].implode())
    )
    filers.house.load_prices(bars.select("ticker", "session_date", "close", "volume").rows())


def _read_facts(tape: Path, cik: int) -> list[Fact]:
    reply = json.loads(gzip.decompress((tape / f"companyfacts/CIK{cik:010d}.json.gz").read_bytes()))
    return [
        fact(
            tag,
            row["end"],
            float(row["val"]),
            start=row.get("start"),
            filed=row["filed"],
            form=row["form"],
            accession=row["accn"],
            fp=row.get("fp"),
        )
        for concepts in reply["facts"].values()
        for tag, concept in concepts.items()
        if tag in LISTED
        for rows in concept["units"].values()
        for row in rows
    ]


def newest_reports(tape: Path, on: date) -> pl.DataFrame:
    """The truth of each company's newest report that was filed before a day."""
    known = truth(tape, "refinancing").filter(pl.col("filed") < on)
    return known.sort("period_end", "filed").unique("cik", keep="last", maintain_order=True)


def spread_by_hand(amount: float, start: date, end: date | None) -> dict[int, float]:
    """Dollars by calendar year, day by day."""
    if end is None:
        return {9999: amount}
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    return {
        year: amount * sum(each.year == year for each in days) / len(days)
        for year in {each.year for each in days}
    }
