"""Match the positions of a fund's report to tickers by identifiers and names, never by guess."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from expectations.tables.index_membership import TICKER

UNMATCHED, AMBIGUOUS, NOT_EQUITY = "no_known_company", "several_companies", "not_equity"
# iShares cuts names to so many letters
CUT_LENGTH = 34
_WORDS = {
    "INCORPORATED": "INC",
    "CORPORATION": "CORP",
    "COMPANY": "CO",
    "LIMITED": "LTD",
    "HLDGS": "HOLDINGS",
    "HLDG": "HOLDING",
    "CL": "CLASS",
    "&": "AND",
}
_STATE = re.compile(r"\s*/[A-Z]{2,3}/?$")  # as the SEC tells companies of one name apart
_MEMBER = {"asset_category": "EC", "payoff_profile": "Long", "units": "NS"}


@dataclass(frozen=True)
class KnownSecurities:
    """Hold what the warehouse knows of securities on a report's day.

    Attributes:
        tickers: Security to its ticker on that day.
        names: Name to the securities that have or had it.
        identifiers: CUSIP, ISIN or LEI to the securities whose stored members state it.
        sectors: Security to its sector in the newest holdings file.
    """

    tickers: Mapping[str, str]
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    identifiers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sectors: Mapping[str, str] = field(default_factory=dict)


def index_names(names: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Return the securities of each normalized name, from pairs of name and security."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, security in names:
        for spelling in {normalize_name(name), normalize_name(name[:CUT_LENGTH])}:
            found[spelling].add(security)
    return {name: frozenset(securities) for name, securities in found.items()}


def normalize_name(name: str) -> str:
    """Return a name in capitals, without punctuation, with one spelling of each legal form."""
    plain = _STATE.sub("", name.upper().strip()).replace("&", " & ")
    words = re.sub(r"[^A-Z0-9& ]", "", re.sub(r"[-/]", " ", plain)).split()
    spelled = [_WORDS.get(word, word) for word in words]
    return " ".join(spelled[1:] if spelled[:1] == ["THE"] else spelled)


def match_positions(positions: pd.DataFrame, known: KnownSecurities) -> pd.DataFrame:
    """Return the positions with ticker, sector and the reason why one is no matched member.

    A CUSIP or ISIN names one security, and outlives renames; then the ticker that the fund states;
    then the names; then the LEI, which all shares of an issuer have in common. The first of them
    that the warehouse knows decides; if it fits several securities, the position is unmatched.

    Args:
        positions: As `parse_nport` returns them.
        known: What is known of securities on the report's day.

    Returns:
        One row per position: its columns, `ticker` and `sector` (missing if unmatched), and
        `reason`, None for a matched member.
    """
    securities = {ticker: security for security, ticker in known.tickers.items()}
    rows = []
    for position in positions.astype(object).where(positions.notna(), None).to_dict("records"):
        ticker, reason = _match(position, known)
        sector = known.sectors.get(securities.get(str(ticker), ""))
        rows.append(position | {"ticker": ticker, "sector": sector, "reason": reason})
    columns = [*positions.columns, "sector", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _match(position: Mapping[Any, Any], known: KnownSecurities) -> tuple[str | None, str | None]:
    if any(position[column] != value for column, value in _MEMBER.items()):
        return None, NOT_EQUITY
    for name in ("cusip", "isin"):
        if found := known.identifiers.get(position[name] or ""):
            return _only(found, known)
    ticker = re.sub(r"[ ./]", "-", position["ticker"] or "")
    if re.fullmatch(TICKER, ticker):
        return ticker, None
    for name in ("title", "name"):
        if position[name]:
            found = _find_name(str(position[name]), known)
            if found:
                return _only(found, known)
    if found := known.identifiers.get(position["lei"] or ""):
        return _only(found, known)
    return None, UNMATCHED


def _find_name(name: str, known: KnownSecurities) -> frozenset[str] | None:
    exact = known.names.get(normalize_name(name))
    cut = normalize_name(name[:CUT_LENGTH]) if len(name) > CUT_LENGTH else None
    return exact or (known.names.get(cut) if cut else None)


def _only(found: frozenset[str], known: KnownSecurities) -> tuple[str | None, str | None]:
    tickers = {known.tickers[security] for security in found if security in known.tickers}
    return (tickers.pop(), None) if len(tickers) == 1 else (None, AMBIGUOUS)
