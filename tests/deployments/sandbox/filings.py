"""The facts and symbols of a tiny tape: two companies that file, and one that has yet to."""

import gzip
import json

LADDER = "LongTermDebtMaturitiesRepaymentsOfPrincipalInNextTwelveMonths"


def _fact(end, value, accession, filed, start=None, frame=None, form="10-Q", fp="Q3", fy=2023):
    fact = {"start": start} if start else {}
    fact |= {"end": end, "val": value, "accn": accession, "fy": fy, "fp": fp}
    fact |= {"form": form, "filed": filed}
    return fact | ({"frame": frame} if frame else {})


# The year is told on 8 March and once more, changed, on the 12th, which takes the frame with it.
FILED = [
    _fact("2023-09-30", 7, "0000000011-23-000004", "2023-11-03", "2023-07-01", "CY2023Q3"),
    _fact("2023-12-31", 30, "0000000011-24-000001", "2024-03-08", "2023-01-01", None, "10-K", "FY"),
    _fact(
        "2023-12-31", 31, "0000000011-24-000002", "2024-03-12", "2023-01-01", "CY2023", "10-K/A",
        "FY",
    ),
]  # fmt: skip
OWED = [
    _fact("2023-12-31", 500, "0000000011-24-000001", "2024-03-08", None, "CY2023Q4I", "10-K", "FY")
]
SHARES = [_fact("2024-02-20", 90, "0000000011-24-000001", "2024-03-08", None, None, "10-K", "FY")]
LATER = [_fact("2024-03-31", 5, "0000000022-24-000001", "2024-05-06", "2024-01-01", None)]


def _tags(unit, **tags):
    return {
        tag: {"label": tag, "description": tag, "units": {unit: facts}}
        for tag, facts in tags.items()
    }


COMPANIES = {
    11: {
        "cik": 11,
        "entityName": "ALPHA CORP",
        "facts": {
            "dei": _tags("shares", EntityCommonStockSharesOutstanding=SHARES),
            "us-gaap": _tags("USD", InterestExpense=FILED, **{LADDER: OWED}),
        },
    },
    22: {
        "cik": 22,
        "entityName": "BÊTA INC",
        "facts": {"us-gaap": _tags("USD", InterestExpense=LATER)},
    },
}
TICKERS = {
    "0": {"cik_str": 11, "ticker": "AAA", "title": "Alpha Corp", "exchange": "Nasdaq"},
    "1": {"cik_str": 11, "ticker": "AAA-PB", "title": "Alpha Corp"},
    "2": {"cik_str": 22, "ticker": "OLD", "title": "Bêta Inc", "last_session": "2024-03-10"},
    "3": {"cik_str": 22, "ticker": "NEW", "title": "Bêta Inc", "first_session": "2024-03-11"},
}
RECENT = {
    "accessionNumber": ["0000000022-24-000009", "0000000022-24-000001"],
    "filingDate": ["2024-08-29", "2024-05-06"],
    "reportDate": ["2024-06-30", "2024-03-31"],
    "form": ["10-K", "10-Q"],
}
SUBMISSIONS = {
    "cik": "0000000022",
    "name": "BÊTA INC",
    "sic": "6021",
    "fiscalYearEnd": "0630",
    "tickers": [],
    "exchanges": [],
    "filings": {"recent": RECENT, "files": []},
}


def write_filings(folder):
    """Write the files beside those of a tape."""
    (folder / "companyfacts").mkdir()
    for cik, content in COMPANIES.items():
        file = folder / "companyfacts" / f"CIK{cik:010d}.json.gz"
        file.write_bytes(gzip.compress(json.dumps(content).encode()))
    (folder / "submissions").mkdir()
    file = folder / "submissions" / "CIK0000000022.json.gz"
    file.write_bytes(gzip.compress(json.dumps(SUBMISSIONS).encode()))
    file = folder / "company_tickers.json.gz"
    file.write_bytes(gzip.compress(json.dumps(TICKERS).encode()))
