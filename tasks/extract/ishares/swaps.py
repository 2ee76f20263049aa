"""Count a share that a fund holds by swap once, with its value."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]


def merge_swaps(members: Sequence[Row], swaps: Sequence[Row]) -> list[Row]:
    """Return the members with their swaps added, then those held by swap alone.

    A swap line repeats the ticker of its share, mostly with a market value of 0. A position held
    partly by swap has the market values that the file states. One held by swap alone has none, so
    its value is quantity times price.

    Args:
        members: Lines of shares. A repeated ticker stays repeated, for validation to judge.
        swaps: Lines of swaps on shares.
    """
    lines: dict[str, list[Row]] = {}
    for swap in swaps:
        lines.setdefault(swap["ticker"], []).append(swap)
    merged = [_merge(member, lines.get(member["ticker"], [])) for member in members]
    held = {member["ticker"] for member in members}
    return merged + [_merge(None, found) for ticker, found in lines.items() if ticker not in held]


def _merge(member: Row | None, swaps: list[Row]) -> Row:
    if member is not None and (not swaps or member["market_value_usd"] != 0):
        return member | {
            "market_value_usd": member["market_value_usd"] + _sum(swaps, "market_value_usd", 0.0),
            "weight_pct_filed": _sum([member, *swaps], "weight_pct_filed"),
        }
    exposure = float(np.sum([swap["shares"] * swap["price_usd"] for swap in swaps]))
    value = _sum(swaps, "market_value_usd") if np.isnan(exposure) else exposure
    return (member or swaps[0]) | {
        "market_value_usd": value,
        "weight_pct_filed": _sum(swaps, "weight_pct_filed"),
        "shares": _sum(swaps, "shares"),
    }


def _sum(rows: list[Row], column: str, if_missing: float = float("nan")) -> float:
    """Return the sum of the values that the file has."""
    values = [row[column] for row in rows if not np.isnan(row[column])]
    return float(sum(values)) if values else if_missing
