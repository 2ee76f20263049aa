"""Parse Tiingo's daily prices."""

import json
import math
from datetime import date
from typing import Any

import pandas as pd

from tasks.extract.provider.errors import FetchError, outage
from tasks.extract.provider.frames import typed_frame

PRICE_COLUMNS = {
    "ticker": "str",
    "session_date": "datetime64[s]",
    "close": "float64",
    "split_factor": "float64",
}


def parse_prices(ticker: str, text: str) -> pd.DataFrame:
    """Return the sessions of one reply.

    Args:
        ticker: For the frame and for error messages.
        text: The body of a successful reply.

    Returns:
        One row per (ticker, session_date), columns `PRICE_COLUMNS`: `close` in USD as traded,
        `split_factor` in new shares per old share, 1 without a split. Sessions without a close are
        left out.

    Raises:
        FetchError: The text is no list of sessions, or the list is empty.
    """
    if text.lstrip()[:1] == "<":
        raise outage("html", f"Tiingo sent a page instead of the prices of {ticker}.")
    try:
        sent = json.loads(text)
    except ValueError:
        # nothing of it is quoted, here and below: a cut reply may hold the API key
        raise outage("not_json", f"Tiingo's reply for {ticker} is no JSON.") from None
    if not isinstance(sent, list):
        raise outage("malformed", f"Tiingo's reply for {ticker} is no list of sessions.")
    if not sent:
        raise FetchError("empty", "no_data", f"Tiingo knows {ticker} and has none of the sessions.")
    try:
        rows = [_parse_row(ticker, row) for row in sent if row["close"] is not None]
    except (KeyError, TypeError, ValueError):
        raise outage(
            "malformed",
            f"Tiingo's reply for {ticker} has a session without a date, or without a positive close"
            " and splitFactor.",
        ) from None
    if not rows:
        raise FetchError("empty", "no_data", f"Tiingo has no close of {ticker} in the sessions.")
    return typed_frame(rows, PRICE_COLUMNS)


def _parse_row(ticker: str, row: dict[str, Any]) -> dict[str, Any]:
    close, split_factor = float(row["close"]), float(row["splitFactor"])
    if not (0 < close < math.inf and 0 < split_factor < math.inf):
        raise ValueError("close or splitFactor is no positive number")
    return {
        "ticker": ticker,
        # a session is a time at midnight UTC: 2026-02-13T00:00:00.000Z
        "session_date": date.fromisoformat(row["date"][:10]),
        "close": close,
        "split_factor": split_factor,
    }
