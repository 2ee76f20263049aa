"""An independent reader of the simulated filings: plain loops over what the SEC would serve."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

MATURITIES = "RepaymentsOfPrincipal"
INTEREST = (
    "InterestExpense",
    "InterestExpenseNonoperating",
    "InterestExpenseDebt",
    "InterestAndDebtExpense",
)
PRETAX = (
    "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest"
)
ENDINGS = {
    "RemainderOfFiscalYear": "remainder",
    "NextTwelveMonths": "year_1",
    "NextRollingTwelveMonths": "year_1",
    "YearTwo": "year_2",
    "YearThree": "year_3",
    "YearFour": "year_4",
    "YearFive": "year_5",
}


def unpack(file: Path) -> Any:
    """The content of a gzipped JSON file."""
    return json.loads(gzip.decompress(file.read_bytes()))


def bucket_of(tag: str) -> str:
    """The bucket that a tag of a maturity table names."""
    if tag.endswith("AfterYearFive"):
        return "after_5"
    return next(name for ending, name in ENDINGS.items() if tag.endswith(ending))


def day(text: str) -> date:
    return date.fromisoformat(text)


@dataclass
class Filer:
    """The facts of one company: (tag, fact) pairs, and its list of filings."""

    cik: int
    facts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    filings: dict[str, list[Any]] = field(default_factory=dict)

    def of(self, accession: str) -> dict[str, list[dict[str, Any]]]:
        """The facts of one report, by tag."""
        reported = defaultdict(list)
        for tag, facts in self.facts.items():
            for fact in facts:
                if fact["accn"] == accession:
                    reported[tag].append(fact)
        return reported

    def newest(self, tag: str, start: str | None, end: str, filed: str) -> float | None:
        """What the last report by a day says of a period."""
        known = [
            fact
            for fact in self.facts.get(tag, [])
            if (fact.get("start"), fact["end"]) == (start, end) and fact["filed"] <= filed
        ]
        return max(known, key=lambda fact: fact["filed"])["val"] if known else None

    def trailing(self, tags: tuple[str, ...], report: dict[str, Any]) -> float | None:
        """A flow over the four quarters up to a report's, as known when it was filed.

        The year's own figure, or last year's plus this year to date less last year to date.
        """
        reported = self.of(report["accession_number"])
        tag = next((each for each in tags if each in reported), None)
        if tag is None:
            return None
        end = str(report["period_end"])
        now = max((f for f in reported[tag] if f["end"] == end), key=span)
        if span(now) > 300:
            return now["val"]
        then = max((f for f in reported[tag] if f["end"] < end), key=lambda f: (span(f), f["end"]))
        before = day(now["start"]).toordinal() - 1
        for other in tags:  # last year's report may have used another tag
            for fact in self.facts.get(other, []):
                ends_there = day(fact["end"]).toordinal() == before
                if ends_there and span(fact) > 300 and fact["filed"] <= str(report["filed"]):
                    year = self.newest(other, fact["start"], fact["end"], str(report["filed"]))
                    return year + now["val"] - then["val"]
        return None


def span(fact: dict[str, Any]) -> int:
    return (day(fact["end"]) - day(fact["start"])).days + 1


def read_filers(folder: Path) -> dict[int, Filer]:
    """All filers of a tape, by CIK."""
    filers = {}
    for file in sorted((folder / "companyfacts").glob("*.json.gz")):
        content = unpack(file)
        facts = {
            tag: [fact for each in about["units"].values() for fact in each]
            for tags in content["facts"].values()
            for tag, about in tags.items()
        }
        filings = unpack(folder / "submissions" / file.name)["filings"]["recent"]
        filers[content["cik"]] = Filer(content["cik"], facts, filings)
    return filers
