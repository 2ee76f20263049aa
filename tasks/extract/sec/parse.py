"""Parse replies of the SEC into frames."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain
from typing import Any

import pandas as pd

from expectations.calendars.edgar import first_session_after
from expectations.tables.company_fact import concepts
from tasks.extract.provider.frames import typed_frame
from tasks.extract.sec.errors import SecParseError

# Tags of other taxonomies with the same name (ifrs-full's ProfitLoss) have another meaning.
TAXONOMIES = ("us-gaap", "dei")
# Reports with financial statements; the next of them repeats what other forms restate.
FORMS = frozenset(
    form + suffix
    for form in ("10-K", "10-KT", "10-Q", "10-QT", "20-F", "40-F")
    for suffix in ("", "/A")
)

CURRENCY = "USD"
# a report with amounts of the year before the newest report
MAX_REPORT_AGE = pd.Timedelta(days=456)

FACT_COLUMNS = {
    "cik": "int32",
    "tag": "str",
    "unit": "str",
    "period_start": "datetime64[s]",
    "period_end": "datetime64[s]",
    "accession_number": "str",
    "value": "float64",
    "fiscal_year": "Int32",
    "fiscal_period": "str",
    "form": "str",
    "filed_date": "datetime64[s]",
    "known_from": "datetime64[s]",
}
COMPANY_COLUMNS = {
    "cik": "int32",
    "name": "str",
    "sic": "str",
    "sic_description": "str",
    "fiscal_year_end": "str",
    "first_filed_date": "datetime64[s]",
}
TICKER_COLUMNS = {
    "ticker": "str",
    "known_from": "datetime64[s]",
    "cik": "int32",
    "name": "str",
    "exchange": "str",
}
FILING_COLUMNS = {
    "cik": "int32",
    "accession_number": "str",
    "form": "str",
    "filed_date": "datetime64[s]",
}

# Form, company, CIK, day and file; names contain single and double spaces, so `.*?` skips them.
_INDEX_ROW = re.compile(
    r"(?P<form>\S+(?: \S+)*?) {2,}.*? +(?P<cik>\d{1,10}) +(?P<filed>\d{4}-?\d\d-?\d\d) +"
    r"edgar/data/\d+/(?P<accession>\d{10}-\d\d-\d{6})\.txt *"
)


@dataclass(frozen=True)
class ParsedFacts:
    """Hold the facts of one company.

    Attributes:
        columns: One value per fact of a listed concept and filing, as sent; see `to_fact_frame`.
        skipped_unit_count: The number of facts of listed tags in units that are not listed.
        accessions: The accession numbers of all filings with any fact, listed or not.
        unreadable_reason: Why the amounts of its newest reports cannot be read: ifrs,
            other_currency or no_listed_tag; None where they can.
    """

    columns: Mapping[str, Sequence[Any]]
    skipped_unit_count: int
    accessions: frozenset[str]
    unreadable_reason: str | None = None

    @property
    def fact_count(self) -> int:
        """Return the number of facts of listed concepts."""
        return len(self.columns["cik"])

    @property
    def newest_filed_date(self) -> pd.Timestamp:
        """Return the filing date of the newest listed fact; NaT if there is none."""
        newest: pd.Timestamp = _to_days([*dict.fromkeys(self.columns["filed_date"])]).max()
        return newest


@cache
def _units_by_tag() -> Mapping[str, frozenset[str]]:
    """Return the listed units of each listed tag."""
    units: dict[str, set[str]] = {}
    for tag, unit in concepts().index:
        units.setdefault(tag, set()).add(unit)
    return {tag: frozenset(each) for tag, each in units.items()}


def parse_facts(cik: int, content: Any) -> ParsedFacts:
    """Return a company's facts, as filed, of the concepts in `warehouse/reference/concept.csv`.

    Raises:
        SecParseError: The content is no companyfacts, or is of another company.
    """
    listed_facts: list[tuple[str, str, Sequence[Mapping[str, Any]]]] = []
    skipped = 0
    newest = dict.fromkeys(("any", "amount", "currency"), "")
    accessions: set[str] = set()
    listed = _units_by_tag()
    try:
        if int(content["cik"]) != cik:
            raise SecParseError(f"it is of company {content['cik']}")
        for taxonomy, tags in content["facts"].items():
            for tag, concept in tags.items():
                units = listed.get(tag, frozenset()) if taxonomy in TAXONOMIES else frozenset()
                for unit, facts in concept["units"].items():
                    accessions.update(fact["accn"] for fact in facts)
                    report = _newest_report(facts)
                    for name in {"any", _kind_of_unit(unit, units)}:
                        newest[name] = max(newest[name], report)
                    if unit in units:
                        listed_facts.append((tag, unit, facts))
                    elif units:
                        skipped += len(facts)
    except (KeyError, TypeError, AttributeError) as error:
        raise SecParseError(f"{type(error).__name__}: {error}") from error
    reason = _unreadable_reason(newest, "ifrs-full" in content["facts"])
    return ParsedFacts(_to_columns(cik, listed_facts), skipped, frozenset(accessions), reason)


def _kind_of_unit(unit: str, listed_units: frozenset[str]) -> str:
    """Return whether facts are amounts that are read, amounts in another currency, or others."""
    if CURRENCY not in listed_units:
        return "any"
    return "amount" if unit == CURRENCY else "currency"


def _newest_report(facts: Iterable[Mapping[str, Any]]) -> str:
    """Return the filing date of the newest report among facts, as text; empty for none."""
    filed = (str(fact.get("filed") or "") for fact in facts if fact.get("form") in FORMS)
    return max(filed, default="")


def _unreadable_reason(newest: Mapping[str, str], has_ifrs: bool) -> str | None:
    """Return why the newest report of a company has no amount to read; None if it has.

    Args:
        newest: The newest report with any fact, with a listed amount, and with one in another
            currency.
        has_ifrs: Whether it files under IFRS.
    """
    if not newest["any"]:
        return None
    days = pd.to_datetime(pd.Series(newest), format="%Y-%m-%d", errors="coerce")
    if days["any"] - days["amount"] <= MAX_REPORT_AGE:
        return None
    if days["any"] - days["currency"] <= MAX_REPORT_AGE:
        return "other_currency"
    return "ifrs" if has_ifrs else "no_listed_tag"


def _to_columns(
    cik: int, listed_facts: Iterable[tuple[str, str, Sequence[Mapping[str, Any]]]]
) -> dict[str, list[Any]]:
    """Return the columns of facts by tag and unit; missing fields are left to validation."""
    units = [(tag, unit) for tag, unit, facts in listed_facts for _ in facts]
    facts = [fact for _, _, facts in listed_facts for fact in facts]
    return {
        "cik": [cik] * len(facts),
        "tag": [tag for tag, _ in units],
        "unit": [unit for _, unit in units],
        "period_start": [fact.get("start", fact.get("end")) for fact in facts],
        "period_end": [fact.get("end") for fact in facts],
        "accession_number": [fact["accn"] for fact in facts],
        "value": [fact.get("val") for fact in facts],
        "fiscal_year": [fact.get("fy") or None for fact in facts],
        "fiscal_period": [fact.get("fp") or None for fact in facts],
        "form": [fact.get("form") or None for fact in facts],
        "filed_date": [fact.get("filed") for fact in facts],
    }


def to_fact_frame(companies: Iterable[ParsedFacts]) -> pd.DataFrame:
    """Return the facts of some companies.

    A frame per company would take longer than parsing its facts.

    Returns:
        One row per fact and filing: `value` in `unit`, NaN if absent or no number; dates NaT if
        absent or invalid; `known_from` the first session after the filing date.
    """
    parts = [company.columns for company in companies]
    names = [name for name in FACT_COLUMNS if name != "known_from"]
    sent = {name: [*chain.from_iterable(part[name] for part in parts)] for name in names}
    # an invalid date becomes NaT, and validation quarantines its row
    days = {name: _to_days(sent[name]) for name in ("period_start", "period_end", "filed_date")}
    numbers = {
        name: pd.to_numeric(pd.Series(sent[name], dtype=object), errors="coerce")
        for name in ("value", "fiscal_year")
    }
    frame = pd.DataFrame({**sent, **days, **numbers})
    frame["known_from"] = first_session_after(frame["filed_date"])
    return frame[[*FACT_COLUMNS]].astype(FACT_COLUMNS)


def _to_days(texts: Sequence[Any]) -> pd.Series:
    days = pd.to_datetime(pd.Series(texts, dtype=object), format="%Y-%m-%d", errors="coerce")
    return days.astype("datetime64[s]")


def parse_company(cik: int, content: Any) -> pd.DataFrame:
    """Return the profile of a filer as one row.

    Returns:
        Columns `COMPANY_COLUMNS`; absent fields are null. `first_filed_date` includes the older
        pages of submissions, which the content names by their first date.

    Raises:
        SecParseError: The content is no submissions, or is of another company.
    """
    try:
        if int(content["cik"]) != cik:
            raise SecParseError(f"it is of company {content['cik']}")
        filings = content["filings"]
        days = [*filings["recent"]["filingDate"]]
        days += [page["filingFrom"] for page in filings.get("files") or ()]
        row = {
            "cik": cik,
            "name": content["name"] or None,
            "sic": content.get("sic") or None,
            "sic_description": content.get("sicDescription") or None,
            "fiscal_year_end": content.get("fiscalYearEnd") or None,
            "first_filed_date": min((day for day in days if day), default=None),
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SecParseError(f"{type(error).__name__}: {error}") from error
    return typed_frame([row], COMPANY_COLUMNS)


def parse_tickers(content: Any, today: date) -> pd.DataFrame:
    """Return the SEC's list of tickers, one row per ticker, known from today on.

    Raises:
        SecParseError: The content is no such list.
    """
    try:
        fields = content["fields"]
        rows = [dict(zip(fields, values, strict=True)) for values in content["data"]]
        listed = [
            {
                "ticker": str(row["ticker"]).upper(),
                "known_from": today,
                "cik": int(row["cik"]),
                "name": row["name"] or None,
                "exchange": row["exchange"] or None,
            }
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise SecParseError(f"{type(error).__name__}: {error}") from error
    return typed_frame(listed, TICKER_COLUMNS)


def changed_ticker_mappings(listed: pd.DataFrame, stored: Mapping[str, int]) -> pd.DataFrame:
    """Return the tickers that are new or have another CIK than stored."""
    # a mapped series, not a list: an empty list of booleans would select columns
    stored_cik = listed["ticker"].map(stored)
    return listed[stored_cik != listed["cik"]].reset_index(drop=True)


def parse_index(text: str) -> pd.DataFrame:
    """Return the reports with financial statements of a day, one row per filer and filing.

    Raises:
        SecParseError: The text is no index, is cut off, or has a line that does not parse.
    """
    head, dashes, body = text.partition("\n" + "-" * 40)
    if not dashes or "File Name" not in head:
        raise SecParseError("it has no head")
    lines = body.splitlines()[1:]
    if not text.endswith("\n"):
        raise SecParseError(f"it ends within a line: {lines[-1][:80]!r}")
    return typed_frame(_reports(lines), FILING_COLUMNS).drop_duplicates(ignore_index=True)


def _reports(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        form = line.split("  ", 1)[0].strip()
        if form not in FORMS:
            continue
        match = _INDEX_ROW.fullmatch(line)
        if match is None:
            raise SecParseError(f"a line can't be read: {line[:120]!r}")
        filed = match["filed"].replace("-", "")
        yield {
            "cik": int(match["cik"]),
            "accession_number": match["accession"],
            "form": form,
            "filed_date": f"{filed[:4]}-{filed[4:6]}-{filed[6:]}",
        }
