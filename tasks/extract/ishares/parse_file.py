"""A fund's holdings file, read into members and what is no member."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from expectations.calendars.trading import next_session
from expectations.tables.index_membership import valid_member_rows
from tasks.extract.ishares.classify_rows import exclusion_reason, yahoo_ticker
from tasks.extract.provider.fetch_log import typed_frame

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
# Our name of each column, and the names that files have used. The layout of November 2025 moved
# columns and renamed the weight; files before 2025 call the quantity shares.
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


class HoldingsParseError(ValueError):
    """What came instead of a holdings file. `reason` is html, truncated or not_csv."""

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the ledger's word and sentence."""
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class HoldingsFile:
    """One holdings file.

    Attributes:
        as_of_date: The close that it describes; None when the provider has no file for the day
            asked for, and says so with a dash and status 200.
        members: One row per listed share as in the file, columns `MEMBER_COLUMNS`.
        excluded: One row per other line, with the `reason`, columns `EXCLUDED_COLUMNS`.
    """

    as_of_date: date | None
    members: pd.DataFrame
    excluded: pd.DataFrame


def parse_holdings(content: str | bytes, fund: Mapping[str, Any]) -> HoldingsFile:
    """Members of an index from its fund's file.

    Args:
        content: The file.
        fund: A row of reference table fund: `fund` and `index_code` are read.

    Returns:
        Members and exclusions. `weight_pct` is computed from market values over the members, as
        the filed weights have two decimals and count the cash; NaN for rows that validation will
        set aside. `ticker` is Yahoo's spelling; `known_from` is the next session, as files appear
        the day after the close they describe. A ticker that the file repeats is repeated here.

    Raises:
        NotCsv: The content is a page, is cut off, or lacks a column.
    """
    text = content.decode("utf-8-sig", "replace") if isinstance(content, bytes) else content
    text = text.lstrip("\ufeff")
    if text.lstrip()[:1] == "<":
        raise HoldingsParseError("html", f"a page came instead of the file: {text[:80]!r}")
    # a blank line holds a no-break space in some years
    lines = [line.replace("\u00a0", " ").strip() for line in text.split("\n")]
    as_of = _read_as_of(lines)
    rows = _read_rows(lines)
    if as_of is None:
        return HoldingsFile(
            None, typed_frame((), MEMBER_COLUMNS), typed_frame((), EXCLUDED_COLUMNS)
        )
    kept: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for row in rows:
        reason = exclusion_reason(row)
        common = {
            "fund": fund["fund"],
            "index_code": fund["index_code"],
            "file_ticker": row["ticker"],
            "name": row["name"],
            "exchange": row["exchange"],
            "market_value_usd": _number(row["market_value"]),
            "as_of_date": pd.Timestamp(as_of),
        }
        if reason:
            others.append(common | {"asset_class": row["asset_class"], "reason": reason})
        else:
            kept.append(common | _member_fields(row))
    members = typed_frame(kept, MEMBER_COLUMNS)
    members["known_from"] = pd.Timestamp(next_session(as_of)).as_unit("s")
    value = members["market_value_usd"].where(valid_member_rows(members))
    members["weight_pct"] = 100 * value / value.dropna().sum()
    return HoldingsFile(as_of, members, typed_frame(others, EXCLUDED_COLUMNS))


def _member_fields(row: Mapping[str, str]) -> dict[str, Any]:
    return {
        "ticker": yahoo_ticker(row["ticker"]),
        "sector": None if row["sector"] in ("", "-") else row["sector"],
        "weight_pct_filed": _number(row["weight"]),
        "shares": _number(row["shares"]),
        "price_usd": _number(row["price"]),
        "source": PROVIDER,
    }


def _read_as_of(lines: list[str]) -> date | None:
    for line in lines[:20]:
        if line.startswith("Fund Holdings as of"):
            shown = next(csv.reader([line]))[1]
            if shown == "-":
                return None
            try:
                return datetime.strptime(shown, "%b %d, %Y").date()
            except ValueError:
                raise HoldingsParseError(
                    "not_csv", f"the file's date {shown!r} is no date"
                ) from None
    raise HoldingsParseError(
        "not_csv", f"no line says 'Fund Holdings as of': {' / '.join(lines[:3])[:120]!r}"
    )


def _read_rows(lines: list[str]) -> list[dict[str, str]]:
    start = next((i for i, line in enumerate(lines) if line.startswith("Ticker,")), None)
    if start is None:
        raise HoldingsParseError("truncated", "the file ends before its table")
    header = next(csv.reader([lines[start]]))
    column_positions = {
        ours: next((header.index(name) for name in names if name in header), None)
        for ours, names in _ALIASES.items()
    }
    absent = [
        name for name, place in column_positions.items() if place is None and name not in _OPTIONAL
    ]
    if absent:
        raise HoldingsParseError(
            "not_csv", f"the table has no column for {absent}; its header is {header}"
        )
    end = next((i for i, line in enumerate(lines) if i > start and not line), None)
    # A blank line and the legal text follow the table. Without them the file was cut off, and
    # what is left of it would look like a smaller index.
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
        rows.append(
            {name: "-" if i is None else cells[i].strip() for name, i in column_positions.items()}
        )
    return rows


def _number(shown: str) -> float:
    return float("nan") if shown in ("", "-", "--") else float(shown.replace(",", ""))
