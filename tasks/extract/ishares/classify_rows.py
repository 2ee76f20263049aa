"""Classify rows of holdings files as members or excluded; spell tickers as Yahoo does."""

import re
from collections.abc import Mapping

from tasks.extract.ishares.parse_table import is_missing
from warehouse.reference import read_reference

# Prefixes only, as labels change: in 2026 "New York Stock Exchange Inc." became "NYSE".
_EXCHANGE = re.compile(r"(nasdaq|nyse|new york stock exchange|cboe)\b", re.IGNORECASE)
_UNLISTED = re.compile(r"(no market|-?$)", re.IGNORECASE)
_OTC = re.compile(r"(non-nms|otc|pink)", re.IGNORECASE)
# At the end of a name: CVR ENERGY and CVRX are shares. Names are cut to 34 letters, so the expiry
# of rights may be incomplete.
_NAMES = (
    (re.compile(r"\bCVR$", re.IGNORECASE), "contingent_value_right"),
    (re.compile(r"\bPrvt$|\bprivate placement$", re.IGNORECASE), "private"),
    (re.compile(r"\bwarrants?$", re.IGNORECASE), "warrant"),
    (re.compile(r"\bescrow$", re.IGNORECASE), "escrow"),
    (re.compile(r"\brights?( expiry\b.*)?$", re.IGNORECASE), "right"),
)
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9\-]{0,14}")
_SWAP = re.compile(r"\bswaps?\b", re.IGNORECASE)
_TICKERS = (
    (re.compile(r"[ ./](WS|WT)$"), "warrant"),
    (re.compile(r"[ ./](RT|RTS)$"), "right"),
)


def exclusion_reason(row: Mapping[str, str]) -> str | None:
    """Return the reason why a row is no index member; None for a listed share.

    The files list rights, escrows and liquidated companies under asset class Equity, some with a
    real exchange. Cash is recognized by its asset class, not its ticker: USD and CAD are symbols
    of funds at Yahoo.

    Args:
        row: `ticker`, `name`, `asset_class`, `exchange` and, if stated, `currency` as in the file.
    """
    ticker, name = row["ticker"].strip().upper(), row["name"].strip()
    if row["asset_class"].strip().lower() != "equity":
        return "not_equity"
    for pattern, reason in _NAMES:
        if pattern.search(name):
            return reason
    for pattern, reason in _TICKERS:
        if pattern.search(ticker):
            return reason
    if ticker in ("", "-"):
        return "no_ticker"
    if not _SYMBOL.fullmatch(yahoo_ticker(ticker)):
        return "unreadable_ticker"
    exchange = row["exchange"].strip()
    if _OTC.match(exchange):
        return "otc"
    if _UNLISTED.match(exchange):
        return "not_listed"
    if not _EXCHANGE.match(exchange):
        return "unknown_exchange"
    currency = row.get("currency", "-")
    if not is_missing(currency) and currency.upper() != "USD":
        return "currency_not_usd"
    return None


def is_swap(row: Mapping[str, str]) -> bool:
    """Return whether a line is a swap on a share, which repeats the share's ticker."""
    return bool(_SWAP.search(row["type"]) or _SWAP.search(row["name"]))


def yahoo_ticker(file_ticker: str) -> str:
    """Return a holdings file's ticker in Yahoo's spelling.

    Yahoo separates share classes by a dash; the files drop the separator, or (since autumn 2026)
    write a space. Tickers of class shares without a separator look like any other (MOGA is one,
    ZETA is none), so reference table class_share lists them.
    """
    ticker = re.sub(r" US$", "", file_ticker.strip().upper())  # Bloomberg's spelling
    ticker = re.sub(r"[ ./]", "-", ticker)
    return _class_shares().get(ticker, ticker)


def _class_shares() -> dict[str, str]:
    table = read_reference("class_share")
    return dict(zip(table["file_ticker"], table["ticker"], strict=True))
