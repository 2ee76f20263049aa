"""Filings in a test's hands: made up, or read from a tape with a reader of the tests' own."""

import csv
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from expectations.tables import company_fact, company_ticker, macro_observation
from tasks.derive.refinancing import (
    company_refinancing,
    debt_maturity,
    rate_shock,
    refinancing_wall,
    zombie_status,
)
from tasks.derive.xbrl.facts import Fact
from tests.tasks.derive.pipeline import House
from warehouse.connect.connections import connect

DERIVED = (debt_maturity, company_refinancing, refinancing_wall, rate_shock, zombie_status)
CONCEPTS = Path(__file__).parents[3] / "warehouse" / "reference" / "concept.csv"
LISTED = {row["tag"] for row in csv.DictReader(CONCEPTS.open())}
LADDER = "LongTermDebtMaturitiesRepaymentsOfPrincipal"
BUCKETS = {
    "remainder": "RemainderOfFiscalYear",
    "year_1": "InNextTwelveMonths",
    "year_2": "InYearTwo",
    "year_3": "InYearThree",
    "year_4": "InYearFour",
    "year_5": "InYearFive",
    "after_5": "AfterYearFive",
}


def day(text: str) -> date:
    return date.fromisoformat(text)


def fact(
    tag: str,
    end: str,
    value: float,
    *,
    start: str | None = None,
    filed: str | None = None,
    form: str = "10-K",
    accession: str | None = None,
    fp: str | None = "FY",
) -> Fact:
    """One fact, filed 40 days after its end where nothing else is said."""
    filed_on = day(filed) if filed else day(end) + timedelta(days=40)
    number = accession or f"0000000001-{filed_on:%y}-{filed_on:%m%d}00"
    known = filed_on + timedelta(days=1)
    return Fact(tag, day(start or end), day(end), value, number, form, fp, filed_on, known)


def ladder(end: str, amounts: dict[str, float], **given: str) -> list[Fact]:
    """The facts of a ladder, by bucket."""
    return [fact(LADDER + BUCKETS[b], end, amount, **given) for b, amount in amounts.items()]


def read_filer(tapes: Path, cik: int) -> list[Fact]:
    """A company's facts from the tape, those of concept.csv."""
    path = tapes / "real-2024" / "companyfacts" / f"CIK{cik:010d}.json.gz"
    reply = json.loads(gzip.decompress(path.read_bytes()))
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
        for taxonomy in ("us-gaap", "dei")
        for tag, concept in reply["facts"].get(taxonomy, {}).items()
        if tag in LISTED
        for unit, rows in concept["units"].items()
        if unit in ("USD", "shares", "pure")
        for row in rows
        if row["end"] <= row["filed"]
    ]


class Filers:
    """A warehouse with filings."""

    def __init__(self, house: House) -> None:
        self.house = house

    def load_facts(self, cik: int, facts: Iterable[Fact]) -> None:
        self.load_all({cik: facts})

    def load_all(self, filed: Mapping[int, Iterable[Fact]]) -> None:
        """The facts of companies, in one batch."""
        frame = pd.DataFrame(
            {
                "cik": cik,
                "tag": each.tag,
                "unit": "USD",
                "period_start": each.start,
                "period_end": each.end,
                "accession_number": each.accession,
                "value": each.value,
                "fiscal_year": each.filed.year,
                "fiscal_period": each.fiscal_period,
                "form": each.form,
                "filed_date": each.filed,
                "known_from": each.known_from,
            }
            for cik, facts in filed.items()
            for each in facts
        )
        for name in ("period_start", "period_end", "filed_date", "known_from"):
            frame[name] = pd.to_datetime(frame[name])
        frame = frame.drop_duplicates([*company_fact.KEY], keep="last")
        self.house.load((company_fact.CONTRACT, frame))

    def load_tickers(self, ciks: dict[str, int], seen: str = "2020-01-01") -> None:
        frame = pd.DataFrame(
            [(ticker, pd.Timestamp(seen), cik, ticker, None) for ticker, cik in ciks.items()],
            columns=["ticker", "known_from", "cik", "name", "exchange"],
        )
        self.house.load((company_ticker.CONTRACT, frame))

    def load_rates(self, rows: Sequence[tuple[str, date, float]]) -> None:
        """Observations as `(series_id, observation_date, value)`, known the next day."""
        frame = pd.DataFrame(rows, columns=["series_id", "observation_date", "value"])
        frame["observation_date"] = pd.to_datetime(frame["observation_date"])
        frame["vintage_date"] = frame["observation_date"] + pd.Timedelta(days=1)
        frame = frame.assign(missing_reason=None, source="test")
        self.house.load((macro_observation.CONTRACT, frame))

    def derive(self) -> None:
        self.house.derive(*DERIVED)

    def checksums(self) -> dict[str, str]:
        tables = {module.CONTRACT.table for module in DERIVED}
        return {name: hash_ for name, hash_ in self.house.checksums().items() if name in tables}

    def rebuild(self) -> None:
        """Derives everything as if nothing ever had been."""
        tables = ", ".join(f"derived.{module.CONTRACT.table}" for module in DERIVED)
        with connect(self.house.settings, "owner") as connection:
            connection.execute(f"truncate {tables}, audit.derivation")
        self.derive()
