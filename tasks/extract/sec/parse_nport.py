"""Parse the SEC's list of a trust's filings, and Form N-PORT, a fund's quarterly report."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import pandas as pd

from tasks.extract.provider.frames import typed_frame
from tasks.extract.sec.errors import SecParseError

# the public reports; NPORT-NP are the months that stay confidential
FORMS = ("NPORT-P", "NPORT-P/A")
LISTED_COLUMNS = {
    "accession_number": "str",
    "form": "str",
    "filed_date": "datetime64[s]",
    "report_date": "datetime64[s]",
}
POSITION_COLUMNS = {
    "name": "str",
    "title": "str",
    "lei": "str",
    "cusip": "str",
    "isin": "str",
    "ticker": "str",
    "balance": "float64",
    "units": "str",
    "currency": "str",
    "market_value_usd": "float64",
    "weight_pct_filed": "float64",
    "payoff_profile": "str",
    "asset_category": "str",
}
_NAMESPACE = "{http://www.sec.gov/edgar/nport}"
# the header, with the series, is at the top of a document of up to several megabytes
_SERIES = re.compile(rb"<(?:\w+:)?seriesId>\s*(S\d{9})\s*</")
_SUBMISSION_COLUMNS = ("accessionNumber", "form", "filingDate", "reportDate")
_CUSIP = re.compile(r"[0-9A-Z*@#]{9}")
_ISIN = re.compile(r"[A-Z]{2}[0-9A-Z]{9}[0-9]")
# written where an identifier does not exist
_PLACEHOLDERS = frozenset({"", "N/A", "NA", "NONE", "000000000", "000000000000", "XXXX"})


@dataclass(frozen=True)
class FundReport:
    """Hold one Form N-PORT.

    Attributes:
        series_id: The SEC's number of the fund.
        report_date: The day that the positions describe.
        positions: One row per position as filed, columns `POSITION_COLUMNS`; identifiers that
            the fund does not state are missing.
    """

    series_id: str
    report_date: date
    positions: pd.DataFrame


def parse_submissions(content: Any) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """Return the public N-PORT filings of a trust's list, and its pages of older filings.

    Args:
        content: A list of filings, or one of its older pages, which has the columns alone.

    Returns:
        One row per filing, columns `LISTED_COLUMNS`; `name` and `filingTo` of each older page.

    Raises:
        SecParseError: The content is no list of filings.
    """
    try:
        filings = content.get("filings", {"recent": content, "files": []})
        columns = [filings["recent"][name] for name in _SUBMISSION_COLUMNS]
        rows = [
            dict(zip(LISTED_COLUMNS, row, strict=True))
            for row in zip(*columns, strict=True)
            if row[1] in FORMS
        ]
        pages = [{key: str(page[key]) for key in ("name", "filingTo")} for page in filings["files"]]
        return typed_frame(rows, LISTED_COLUMNS), pages
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SecParseError(f"the list of filings has no {error}") from error


def find_series_id(beginning: bytes) -> str | None:
    """Return the series named at the beginning of a document; None if it is not there yet."""
    found = _SERIES.search(beginning)
    return found[1].decode() if found else None


def parse_nport(content: bytes) -> FundReport:
    """Return the positions of a fund's report.

    Raises:
        SecParseError: The content is no complete N-PORT document, or declares a document type,
            through which entities could expand without limit.
    """
    root = _parse_xml(content)
    form = root.find(f"{_NAMESPACE}formData")
    general = None if form is None else form.find(f"{_NAMESPACE}genInfo")
    if form is None or general is None:
        raise SecParseError(f"the root <{root.tag}> holds no formData with genInfo")
    series_id, day = _text(general, "seriesId"), _text(general, "repPdDate")
    if series_id is None or day is None:
        raise SecParseError("genInfo lacks seriesId or repPdDate")
    try:
        rows = [_position(each) for each in form.iterfind(f".//{_NAMESPACE}invstOrSec")]
        return FundReport(series_id, date.fromisoformat(day), typed_frame(rows, POSITION_COLUMNS))
    except ValueError as error:
        raise SecParseError(f"a date or number is unreadable: {error}") from error


def _parse_xml(content: bytes) -> ElementTree.Element:
    def refuse(*_: Any) -> None:
        raise SecParseError("the document declares a document type, which no N-PORT has")

    guard = expat.ParserCreate()
    guard.StartDoctypeDeclHandler = refuse
    # a real document begins with an empty line, which no XML declaration may follow
    stripped = content.lstrip()
    try:
        guard.Parse(stripped, True)
        return ElementTree.fromstring(stripped)
    except (expat.ExpatError, ElementTree.ParseError) as error:
        raise SecParseError(f"the document is no complete XML: {error}") from error


def _position(element: ElementTree.Element) -> Mapping[str, Any]:
    identifiers = element.find(f"{_NAMESPACE}identifiers")
    stated = {} if identifiers is None else {_tag(each): each.get("value") for each in identifiers}
    currency = element.find(f"{_NAMESPACE}currencyConditional")
    return {
        "name": _text(element, "name"),
        "title": _text(element, "title"),
        "lei": _identifier(_text(element, "lei")),
        "cusip": _identifier(_text(element, "cusip"), _CUSIP),
        "isin": _identifier(stated.get("isin"), _ISIN),
        "ticker": _identifier(stated.get("ticker")),
        "balance": _number(_text(element, "balance")),
        "units": _text(element, "units"),
        "currency": _text(element, "curCd")
        or (None if currency is None else currency.get("curCd")),
        "market_value_usd": _number(_text(element, "valUSD")),
        "weight_pct_filed": _number(_text(element, "pctVal")),
        "payoff_profile": _text(element, "payoffProfile"),
        "asset_category": _text(element, "assetCat"),
    }


def _tag(element: ElementTree.Element) -> str:
    return element.tag.removeprefix(_NAMESPACE)


def _text(element: ElementTree.Element, name: str) -> str | None:
    found = element.find(f"{_NAMESPACE}{name}")
    return None if found is None or found.text is None else found.text.strip()


def _identifier(text: str | None, form: re.Pattern[str] | None = None) -> str | None:
    stated = (text or "").strip().upper()
    is_stated = stated not in _PLACEHOLDERS and (form is None or form.fullmatch(stated))
    return stated if is_stated else None


def _number(text: str | None) -> float:
    # N/A and XXXX stand for values that are not reported
    return float("nan") if (text or "").upper() in _PLACEHOLDERS else float(str(text))
