"""Parse a fund's holdings file into index members and excluded rows."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from expectations.calendars.trading import next_session
from expectations.tables.index_membership import valid_member_rows
from tasks.extract.ishares.classify_rows import exclusion_reason, yahoo_ticker
from tasks.extract.ishares.errors import HoldingsParseError
from tasks.extract.provider.frames import typed_frame

PROVIDER = "ishares"
MEMBER_COLUMNS = {
    "fund": "str",
    "index_code": "str",
    "ticker": "str",
    "file_ticker": "str",
    "name": "str",
    "sector": "str",
    "weight_pct": "float64",
    "weight_pct_filed": "float64",
    "shares": "float64",
    "market_value_usd": "float64",
    "price_usd": "float64",
    "exchange": "str",
    "as_of_date": "datetime64[s]",
    "known_from": "datetime64[s]",
    "source": "str",
}
EXCLUDED_COLUMNS = {
    "fund": "str",
    "index_code": "str",
    "file_ticker": "str",
    "name": "str",
    "asset_class": "str",
    "exchange": "str",
    "market_value_usd": "float64",
    "as_of_date": "datetime64[s]",
    "reason": "str",
}
# Our name of each column, and its names in files. The layout of November 2025 moved columns and
# renamed the weight; files before 2025 call the quantity shares.
_ALIASES = {
    "ticker": ("Ticker",),
    "name": ("Name",),
    "sector": ("Sector",),
    "asset_class": ("Asset Class",),
    "market_value": ("Market Value",),
    "weight": ("Weight (%)", "Market Weight", "Weight"),
    "shares": ("Quantity", "Shares"),
    "price": ("Price",),
    "exchange": ("Exchange",),
}
_OPTIONAL = ("weight", "price")


@dataclass(frozen=True)
class HoldingsFile:
    """Hold a parsed holdings file.

    Attributes:
        as_of_date: The close that it describes; None if the provider has no file for the requested
            day, which it shows by a dash in a file of status 200.
        members: One row per listed share as in the file, columns `MEMBER_COLUMNS`.
        excluded: One row per other line, with the `reason`, columns `EXCLUDED_COLUMNS`.
    """

    as_of_date: date | None
    members: pd.DataFrame
    excluded: pd.DataFrame


def parse_holdings(content: str | bytes, fund: Mapping[str, Any]) -> HoldingsFile:
    """Return the members of an index and the excluded rows of its fund's file.

    Args:
        content: The file.
        fund: A row of reference table fund, for its `fund` and `index_code`.

    Returns:
        Members: one row per line of a listed share. `weight_pct` is computed from the market
        values of the members, as the filed weights have two decimals and include the cash; NaN
        for rows that validation quarantines. `market_value_usd` and `price_usd` are NaN if the
        file has a dash. `ticker` is Yahoo's spelling; `known_from` is the next session, as files
        are published the day after the close. A ticker that the file repeats is repeated here.
        Excluded: one row per other line, with the `reason`.

    Raises:
        HoldingsParseError: The content is a page, is cut off, or lacks a column.
    """
    text = content.decode("utf-8-sig", "replace") if isinstance(content, bytes) else content
    text = text.lstrip("\ufeff")
    if text.lstrip()[:1] == "<":
        raise HoldingsParseError("html", f"it is a page: {text[:80]!r}")
    # a blank line holds a no-break space in some years
    lines = [line.replace("\u00a0", " ").strip() for line in text.split("\n")]
    as_of = _read_as_of(lines)
    rows = _read_rows(lines)
    if as_of is None:
        return HoldingsFile(
            None, typed_frame((), MEMBER_COLUMNS), typed_frame((), EXCLUDED_COLUMNS)
        )
    members: list[dict[str, Any]] = []
    excluded: list[dict[str, Any]] = []
    for row in rows:
        reason = exclusion_reason(row)
        common = {
            "fund": fund["fund"],
            "index_code": fund["index_code"],
            "file_ticker": row["ticker"],
            "name": row["name"],
            "exchange": row["exchange"],
            "market_value_usd": _to_float(row["market_value"]),
            "as_of_date": pd.Timestamp(as_of),
        }
        if reason:
            excluded.append(common | {"asset_class": row["asset_class"], "reason": reason})
        else:
            members.append(common | _member_fields(row))
    frame = typed_frame(members, MEMBER_COLUMNS)
    frame["known_from"] = pd.Timestamp(next_session(as_of)).as_unit("s")
    value = frame["market_value_usd"].where(valid_member_rows(frame))
    frame["weight_pct"] = 100 * value / value.dropna().sum()
    return HoldingsFile(as_of, frame, typed_frame(excluded, EXCLUDED_COLUMNS))


def _member_fields(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "ticker": yahoo_ticker(row["ticker"]),
        "sector": None if row["sector"] in ("", "-") else row["sector"],
        "weight_pct_filed": _to_float(row["weight"]),
        "shares": _to_float(row["shares"]),
        "price_usd": _to_float(row["price"]),
        "source": PROVIDER,
    }


def _read_as_of(lines: list[str]) -> date | None:
    for line in lines[:20]:
        if line.startswith("Fund Holdings as of"):
            text = next(csv.reader([line]))[1]
            if text == "-":
                return None
            try:
                return datetime.strptime(text, "%b %d, %Y").date()
            except ValueError:
                raise HoldingsParseError(
                    "not_csv", f"the file's date {text!r} is no date"
                ) from None
    raise HoldingsParseError(
        "not_csv", f"no line says 'Fund Holdings as of': {' / '.join(lines[:3])[:120]!r}"
    )


def _read_rows(lines: list[str]) -> list[dict[str, str]]:
    start = next((i for i, line in enumerate(lines) if line.startswith("Ticker,")), None)
    if start is None:
        raise HoldingsParseError("truncated", "the file ends before its table")
    header = next(csv.reader([lines[start]]))
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
    end = next((i for i, line in enumerate(lines) if i > start and not line), None)
    # A blank line and the legal text follow the table. Without them the file was cut off, and its
    # rest would look like a smaller index.
    if end is None or not any(lines[end:]):
        raise HoldingsParseError(
            "truncated", f"the file ends in its table, after {len(lines) - start} lines"
        )
    rows = []
    for number, cells in enumerate(csv.reader(lines[start + 1 : end]), start=start + 2):
        if len(cells) != len(header):
            raise HoldingsParseError(
                "truncated", f"line {number} has {len(cells)} cells, not {len(header)}"
            )
        rows.append({name: "-" if i is None else cells[i].strip() for name, i in positions.items()})
    return rows


def _to_float(text: str) -> float:
    return float("nan") if text in ("", "-", "--") else float(text.replace(",", ""))
