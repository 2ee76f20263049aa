"""Read the date and the table of a holdings file as text, in any known layout."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tasks.extract.ishares.errors import HoldingsParseError

# Our name of each column, and its names in files, in lower case. The layout of November 2025 moved
# columns and renamed the weight; files before 2025 call the quantity shares.
_ALIASES = {
    "ticker": ("ticker",),
    "name": ("name",),
    "type": ("type",),
    "sector": ("sector",),
    "asset_class": ("asset class",),
    "market_value": ("market value",),
    "weight": ("weight (%)", "market weight", "weight"),
    "shares": ("quantity", "shares"),
    "price": ("price",),
    "exchange": ("exchange",),
    "currency": ("currency",),
}
_OPTIONAL = ("type", "weight", "price", "currency")
_MISSING = ("", "-", "--", "n/a", "na", "null")
_DELIMITERS = (",", ";", "\t")
# Numeric dates are no option: 06/07/2026 has two readings.
_DATE_FORMATS = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%Y-%m-%d")
# A spreadsheet that saves the file again ends every line, the blank ones included, in separators.
_BLANK = ' \t,;"\u00a0'
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?")


@dataclass(frozen=True)
class Line:
    """Hold one line of the table.

    Attributes:
        text: The line as in the file.
        cells: Text by our column name, a dash where the file has nothing; None if the line has
            another number of cells than the header.
        ticker: The cell where the ticker should be.
    """

    text: str
    cells: Mapping[str, str] | None
    ticker: str


@dataclass(frozen=True)
class HoldingsTable:
    """Hold the date of a file, None for a dash, and the lines of its table."""

    as_of_date: date | None
    lines: list[Line]


def read_table(content: str | bytes) -> HoldingsTable:
    """Read a holdings file: comma, semicolon or tab, quoted or not, with any line end.

    Raises:
        HoldingsParseError: The content is a page, is cut off, has no date, or lacks a column.
    """
    text = content if isinstance(content, str) else _decode(content)
    text = text.lstrip("\ufeff")
    if text.lstrip()[:1] == "<":
        raise HoldingsParseError("html", f"it is a page: {text[:80]!r}")
    lines = re.split(r"\r\n|\r|\n", text)
    as_of = _read_as_of(lines)
    return HoldingsTable(as_of, _read_lines(lines))


def read_title(content: bytes) -> str:
    """Return the first line with text, which names the fund."""
    lines = re.split(r"\r\n|\r|\n", _decode(content).lstrip("\ufeff"))
    return next((text for line in lines if (text := line.strip(_BLANK + '",;\t'))), "")


def read_number(text: str) -> float:
    """Return a number in American notation; NaN for a dash and the like, negative in brackets.

    Raises:
        ValueError: The text is no such number: 1.000,00 may be a thousand or one.
    """
    if is_missing(text):
        return float("nan")
    in_brackets = re.fullmatch(r"\((.*)\)", text.strip())
    number = (in_brackets[1] if in_brackets else text).strip().removeprefix("$")
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{text!r} is no number")
    return float(number.replace(",", "")) * (-1 if in_brackets else 1)


def is_missing(text: str) -> bool:
    """Return whether a cell says that the file has no value."""
    return text.strip().lower() in _MISSING


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")


def _cells(line: str, delimiter: str) -> list[str]:
    # Line by line: a stray quote must not swallow the lines below it.
    return [
        cell.replace("\u00a0", " ").strip()
        for cell in next(csv.reader([line], delimiter=delimiter), [])
    ]


def _read_as_of(lines: list[str]) -> date | None:
    for line in lines[:20]:
        if not line.lstrip(_BLANK).lower().startswith("fund holdings as of"):
            continue
        delimiter = ";" if ";" in line else "\t" if "\t" in line else ","
        # an unquoted date is cut at its comma
        text = ", ".join(cell for cell in _cells(line, delimiter)[1:] if cell)
        if text == "-":
            return None
        for form in _DATE_FORMATS:
            try:
                return datetime.strptime(text, form).date()
            except ValueError:
                continue
        raise HoldingsParseError("not_csv", f"the file's date {text!r} is no date")
    raise HoldingsParseError(
        "not_csv", f"no line says 'Fund Holdings as of': {' / '.join(lines[:3])[:120]!r}"
    )


def _find_header(lines: list[str]) -> tuple[int, str, list[str]]:
    """Return the header's position, its delimiter, and its cells in lower case."""
    for position, line in enumerate(lines):
        for delimiter in _DELIMITERS:
            cells = [re.sub(r"\s+", " ", cell.lower()) for cell in _cells(line, delimiter)]
            if {"ticker", "name"} <= {*cells}:
                return position, delimiter, cells
    raise HoldingsParseError("truncated", "the file ends before its table")


def _read_lines(lines: list[str]) -> list[Line]:
    start, delimiter, header = _find_header(lines)
    positions = {
        column: next((header.index(name) for name in names if name in header), None)
        for column, names in _ALIASES.items()
    }
    missing = [
        name for name, position in positions.items() if position is None and name not in _OPTIONAL
    ]
    if missing:
        raise HoldingsParseError(
            "not_csv", f"the table has no column for {missing}; its header is {header}"
        )
    end = next((i for i, line in enumerate(lines) if i > start and not line.strip(_BLANK)), None)
    # A blank line and the legal text follow the table. Without them the file was cut off, and its
    # rest would look like a smaller index.
    if end is None or not any(line.strip(_BLANK) for line in lines[end:]):
        raise HoldingsParseError(
            "truncated", f"the file ends in its table, after {len(lines) - start} lines"
        )
    width = len(header)
    found = []
    for line in lines[start + 1 : end]:
        cells = _cells(line, delimiter)
        ticker = cells[min(positions["ticker"] or 0, len(cells) - 1)]
        # empty cells after the last column say nothing
        is_readable = len(cells) >= width and not any(cells[width:])
        values = (
            {name: "-" if i is None else cells[i] for name, i in positions.items()}
            if is_readable
            else None
        )
        found.append(Line(line.strip(), values, ticker))
    return found
