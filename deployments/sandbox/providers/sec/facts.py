"""Facts and filings of a tape's filers as the SEC shows them on a day."""

import gzip
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from deployments.sandbox.tape.columns import TapeError
from deployments.sandbox.tape.tape import Tape

Json = dict[str, Any]

#: The columns of a list of filings that the facts can tell; the SEC's have more.
FILING_COLUMNS = (
    "accessionNumber", "filingDate", "reportDate", "acceptanceDateTime", "act", "form",
    "fileNumber", "filmNumber", "items", "core_type", "size", "isXBRL", "isInlineXBRL",
    "primaryDocument", "primaryDocDescription",
)  # fmt: skip


class Filing(NamedTuple):
    """One filing as listed in an index."""

    filed: str
    form: str
    name: str
    cik: int
    accession_number: str


class Filers:
    """The filers of a tape; days are New York days."""

    def __init__(self, tape: Tape) -> None:
        """Store a tape; its files are read on request.

        Args:
            tape: Whose company facts are shown.
        """
        self._facts = tape.companyfacts
        self._submissions = tape.submissions
        self._tickers = tape.company_tickers

    @property
    def ciks(self) -> list[int]:
        """Return the CIKs of all filers, ascending."""
        return sorted({*self._facts, *self._submissions})

    def facts(self, cik: int, day: date) -> Json | None:
        """Return the facts that a company had filed by a day.

        Args:
            cik: The company.
            day: The last day whose filings count.

        Returns:
            The content of its company facts; None where it had filed nothing.
        """
        if cik not in self._facts:
            return None
        content = _read(self._facts[cik])
        until = day.isoformat()
        taxonomies: Json = {}
        for taxonomy, tags in content["facts"].items():
            shown = {tag: about for tag, each in tags.items() if (about := _cut(each, until))}
            if shown:
                taxonomies[taxonomy] = shown
        return content | {"facts": taxonomies} if taxonomies else None

    def submissions(self, cik: int, day: date) -> Json | None:
        """Return a company's metadata and its filings by a day, newest first.

        Args:
            cik: The company.
            day: The last day whose filings count.

        Returns:
            The content of its submissions; None where it had filed nothing.
        """
        content = self._all_submissions(cik)
        if content is None:
            return None
        recent = content["filings"]["recent"]
        shown = [at for at, filed in enumerate(recent["filingDate"]) if filed <= day.isoformat()]
        if not shown:
            return None
        cut = {column: [values[at] for at in shown] for column, values in recent.items()}
        symbols = [row for row in self.tickers(day) if int(row["cik_str"]) == cik]
        dated = {
            "tickers": [row["ticker"] for row in symbols],
            "exchanges": [row.get("exchange") for row in symbols],
        }
        return content | dated | {"filings": {"recent": cut, "files": []}}

    def tickers(self, day: date) -> list[Json]:
        """Return the symbols of the companies on a day.

        Args:
            day: A symbol is shown from its first_session to its last_session, where it has them.

        Returns:
            The rows of the tape's company_tickers.
        """
        today = day.isoformat()
        return [
            row
            for row in self._tickers
            if (row.get("first_session") or today) <= today <= (row.get("last_session") or today)
        ]

    @cached_property
    def filings(self) -> list[Filing]:
        """Return all filings of the tape, by day, form and name."""
        return sorted(each for cik in self.ciks for each in self._filings_of(cik))

    def _filings_of(self, cik: int) -> Iterator[Filing]:
        content = self._all_submissions(cik)
        if content:
            recent = content["filings"]["recent"]
            columns = (recent[name] for name in ("filingDate", "form", "accessionNumber"))
            for filed, form, accession in zip(*columns, strict=True):
                yield Filing(filed, form, content["name"], cik, accession)

    def _all_submissions(self, cik: int) -> Json | None:
        if cik in self._submissions:
            return _read(self._submissions[cik])
        return _synthesize_submissions(cik, _read(self._facts[cik])) if cik in self._facts else None


def _read(file: Path) -> Json:
    try:
        content: Json = orjson.loads(gzip.decompress(file.read_bytes()))
    except (OSError, EOFError, ValueError) as error:
        raise TapeError(f"{file} cannot be read: {error}. Write the tape again.") from error
    return content


def _cut(about: Json, until: str) -> Json | None:
    """Return the facts filed by a day; None if there are none."""
    units = {}
    for unit, facts in about["units"].items():
        shown = [fact for fact in facts if fact["filed"] <= until]
        if len(shown) < len(facts):
            shown = _reassign_frames(shown, facts)
        if shown:
            units[unit] = shown
    return about | {"units": units} if units else None


def _reassign_frames(shown: list[Json], facts: list[Json]) -> list[Json]:
    """Assign the frames of future facts to the last facts filed so far."""
    frames = {
        (fact.get("start"), fact["end"]): fact["frame"] for fact in facts if fact.get("frame")
    }
    newest: dict[Any, int] = {}
    for at, fact in enumerate(shown):
        period = (fact.get("start"), fact["end"])
        if period in frames and (
            period not in newest or shown[newest[period]]["filed"] <= fact["filed"]
        ):
            newest[period] = at
    bare = [{key: value for key, value in fact.items() if key != "frame"} for fact in shown]
    for period, at in newest.items():
        bare[at]["frame"] = frames[period]
    return bare


def _synthesize_submissions(cik: int, content: Json) -> Json:
    """Build a company's submissions from the filings cited in its facts."""
    filings: dict[str, Json] = {}
    ends: dict[str, str] = {}
    for taxonomy, tags in content["facts"].items():
        for about in tags.values():
            for fact in (fact for facts in about["units"].values() for fact in facts):
                filings.setdefault(fact["accn"], fact)
                # The newest period of the accounts is the report's own. The cover's facts (dei)
                # are dated weeks after it.
                if taxonomy != "dei":
                    ends[fact["accn"]] = max(ends.get(fact["accn"], ""), fact["end"])
    rows = sorted(filings.values(), key=lambda row: (row["filed"], row["accn"]), reverse=True)
    reports: list[str] = [ends.get(row["accn"]) or str(row["end"]) for row in rows]
    recent: dict[str, list[Any]] = {column: [""] * len(rows) for column in FILING_COLUMNS}
    recent |= {
        "accessionNumber": [row["accn"] for row in rows],
        "filingDate": [row["filed"] for row in rows],
        "reportDate": reports,
        "acceptanceDateTime": [f"{row['filed']}T21:30:00.000Z" for row in rows],
        "form": [row["form"] for row in rows],
        "core_type": [row["form"] for row in rows],
        "size": [0] * len(rows),
        "isXBRL": [1] * len(rows),
        "isInlineXBRL": [1] * len(rows),
    }
    yearly = [end for end, row in zip(reports, rows, strict=True) if row["form"].startswith("10-K")]
    end = max(yearly, default="")
    return {
        "cik": f"{cik:010d}",
        "entityType": "operating",
        "sic": "",
        "sicDescription": "",
        "name": content["entityName"],
        "tickers": [],
        "exchanges": [],
        "fiscalYearEnd": (end[5:7] + end[8:10]) or None,
        "filings": {"recent": recent, "files": []},
    }
