"""A tape of companies that file with the SEC, and the rows expected in the warehouse."""

import gzip
import json
from pathlib import Path
from typing import Any

from tests.flows.replay import Replay

CLOCK = "2024-05-01T12:00:00+00:00"
FIRST_CIK, COMPANIES = 1001, 12
# The 10-K is there at the clock; the 10-Qs of the first and the second half of the companies follow
# in the week after, and an amendment of the first company's.
ANNUAL, EARLY, LATE, AMENDED = "2024-02-20", "2024-05-07", "2024-05-09", "2024-05-20"
TICKERS = [f"T{letter}" for letter in "ABCDEFGHIJKL"]


def make_tape(folder: Path) -> Path:
    """Writes the tape."""
    (folder / "companyfacts").mkdir(parents=True)
    (folder / "tape.toml").write_text(
        f'name = "filings"\nkind = "simulated"\nclock = "{CLOCK}"\n', encoding="utf-8"
    )
    listed = {
        str(number): {"cik_str": FIRST_CIK + number, "ticker": ticker, "title": f"{ticker} Corp"}
        for number, ticker in enumerate(TICKERS)
    }
    (folder / "company_tickers.json.gz").write_bytes(gzip.compress(json.dumps(listed).encode()))
    for number in range(COMPANIES):
        write_company(folder, number)
    return folder


def write_company(folder: Path, number: int, annual_debt: int = 500) -> None:
    """Writes one company's facts."""
    cik = FIRST_CIK + number
    filings = [(ANNUAL, "10-K", "FY"), (EARLY if number < COMPANIES / 2 else LATE, "10-Q", "Q1")]
    if number == 0:
        filings.append((AMENDED, "10-Q/A", "Q1"))
    debts, interest = [], []
    for filed, form, period in filings:
        about = {
            "accn": f"{cik:010}-24-{filed.replace('-', '')[2:]}", "fy": 2024, "fp": period,
            "form": form, "filed": filed,
        }  # fmt: skip
        debts.append({"end": "2023-12-31", "val": annual_debt + number} | about)
        if form != "10-K":
            quarter = {"start": "2024-01-01", "end": "2024-03-31"}
            interest.append(quarter | {"val": 7 + 2 * (form == "10-Q/A")} | about)
    tags = {
        "LongTermDebt": {"units": {"USD": debts, "EUR": debts[:1]}},
        "InterestExpense": {"units": {"USD": interest}},
        "NotListed": {"units": {"USD": debts}},
    }
    content = {"cik": cik, "entityName": f"{TICKERS[number]} Corp", "facts": {"us-gaap": tags}}
    file = folder / "companyfacts" / f"CIK{cik:010}.json.gz"
    file.write_bytes(gzip.compress(json.dumps(content).encode()))


def asked(replay: Replay, *parts: str) -> list[str]:
    """The last parts of the requested paths, in order, of those with a part."""
    return [
        entry["path"].rsplit("/", 1)[-1]
        for entry in replay.sandbox.requests()
        if "sec.gov" in entry["host"] and (not parts or any(p in entry["path"] for p in parts))
    ]


def facts_of(folder: Path, until: str, tags: tuple[str, ...]) -> set[tuple[Any, ...]]:
    """Every fact of some tags that was filed by a day, read from the tape's files."""
    found = set()
    for file in (folder / "companyfacts").glob("*.json.gz"):
        content = json.loads(gzip.decompress(file.read_bytes()))
        for taxonomy in ("us-gaap", "dei"):
            for tag, about in content["facts"].get(taxonomy, {}).items():
                if tag not in tags:
                    continue
                for unit, facts in about["units"].items():
                    found |= {
                        (content["cik"], tag, unit, fact.get("start", fact["end"]), fact["end"],
                         fact["accn"], float(fact["val"]), fact["form"], fact["filed"])
                        for fact in facts
                        if fact["filed"] <= until
                    }  # fmt: skip
    return found


def in_usd(folder: Path, until: str) -> set[tuple[Any, ...]]:
    """The rows expected of this tape when everything filed by a day is loaded."""
    listed = ("LongTermDebt", "InterestExpense")
    return {fact for fact in facts_of(folder, until, listed) if fact[2] == "USD"}


HELD = """
select cik, tag, unit, period_start::text, period_end::text, accession_number, value, form,
    filed_date::text
from published.company_fact
"""
