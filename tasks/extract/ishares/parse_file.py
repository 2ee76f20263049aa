"""Parse a fund's holdings file into index members and excluded rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import Any

import pandas as pd

from expectations.calendars.trading import next_session
from expectations.tables.index_membership import CONTRACT, valid_member_rows
from tasks.extract.ishares.classify_rows import exclusion_reason, is_swap, yahoo_ticker
from tasks.extract.ishares.parse_table import Line, is_missing, read_number, read_table
from tasks.extract.ishares.swaps import merge_swaps
from tasks.extract.provider.frames import contract_dtypes, typed_frame

PROVIDER = "ishares"
MEMBER_COLUMNS = contract_dtypes(CONTRACT) | {
    "file_ticker": "str",
    # of the file, repeated in each row: what validation adds to the members' filed weights
    "excluded_weight_pct": "float64",
}
EXCLUDED_COLUMNS = {
    "fund": "str",
    "index_code": "str",
    "file_ticker": "str",
    "name": "str",
    "asset_class": "str",
    "exchange": "str",
    "as_of_date": "datetime64[s]",
    "line": "str",
    "reason": "str",
}
UNREADABLE = ("unreadable_line", "unreadable_number")
Row = dict[str, Any]


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
        are published the day after the close. A ticker that the file repeats is repeated here,
        except swaps: a share held partly by swap is one row. `excluded_weight_pct` is the sum of
        the filed weights of all other lines.
        Excluded: one row per other line, with the `reason`.

    Raises:
        HoldingsParseError: The content is a page, is cut off, or lacks a column.
    """
    table = read_table(content)
    as_of = table.as_of_date
    if as_of is None:
        return HoldingsFile(
            None, typed_frame((), MEMBER_COLUMNS), typed_frame((), EXCLUDED_COLUMNS)
        )
    members, excluded = _split_lines(table.lines)
    common = {
        "fund": fund["fund"],
        "index_code": fund["index_code"],
        "as_of_date": pd.Timestamp(as_of),
    }
    frame = typed_frame((common | row for row in members), MEMBER_COLUMNS)
    frame["excluded_weight_pct"] = float(sum(row.pop("weight") for row in excluded))
    frame["known_from"] = pd.Timestamp(next_session(as_of)).as_unit("s")
    value = frame["market_value_usd"].where(valid_member_rows(frame))
    frame["weight_pct"] = 100 * value / value.dropna().sum()
    excluded_frame = typed_frame((common | row for row in excluded), EXCLUDED_COLUMNS)
    return HoldingsFile(as_of, frame, excluded_frame)


def _split_lines(lines: Sequence[Line]) -> tuple[list[Row], list[Row]]:
    """Return the members, swaps merged, and the excluded lines with their reasons."""
    members: list[Row] = []
    swaps: list[Row] = []
    excluded: list[Row] = []
    for line in lines:
        reason = "unreadable_line" if line.cells is None else exclusion_reason(line.cells)
        if line.cells is not None and reason is None:
            try:
                (swaps if is_swap(line.cells) else members).append(_member_row(line.cells))
                continue
            except ValueError:
                reason = "unreadable_number"
        excluded.append(_excluded_row(line, str(reason)))
    # with the share's own line unread, its swap would pass for the whole position
    unread = {yahoo_ticker(row["file_ticker"]) for row in excluded if row["reason"] in UNREADABLE}
    held = {member["ticker"] for member in members}
    swaps = [swap for swap in swaps if swap["ticker"] in held or swap["ticker"] not in unread]
    return merge_swaps(members, swaps), excluded


def _member_row(cells: Mapping[str, str]) -> Row:
    """Return the values of a member.

    Raises:
        ValueError: A number is unreadable.
    """
    return {
        "ticker": yahoo_ticker(cells["ticker"]),
        "file_ticker": cells["ticker"],
        "name": cells["name"],
        "sector": None if is_missing(cells["sector"]) else cells["sector"],
        "weight_pct_filed": read_number(cells["weight"]),
        "shares": read_number(cells["shares"]),
        "market_value_usd": read_number(cells["market_value"]),
        "price_usd": read_number(cells["price"]),
        "exchange": cells["exchange"],
        "source": PROVIDER,
    }


def _excluded_weight(text: str) -> float:
    """Return the filed weight of a line that is no member; 0.0 if it is unreadable."""
    try:
        weight = read_number(text.replace("(", "-").replace(")", ""))
    except ValueError:
        return 0.0
    return 0.0 if isnan(weight) else weight


def _excluded_row(line: Line, reason: str) -> Row:
    # its numbers stay text: those of cash and futures need not be numbers
    cells = line.cells or {}
    names = ("name", "asset_class", "exchange")
    return {
        "file_ticker": line.ticker,
        "line": line.text,
        "reason": reason,
        "weight": _excluded_weight(cells.get("weight", "")),
        **{name: cells.get(name) for name in names},
    }
