"""Test that positions match by identifiers and names, and that several fits match none."""

from typing import Any

import pandas as pd
import pytest

from tasks.extract.sec.match_positions import (
    AMBIGUOUS,
    NOT_EQUITY,
    UNMATCHED,
    KnownSecurities,
    index_names,
    match_positions,
)
from tasks.extract.sec.parse_nport import POSITION_COLUMNS

KNOWN = KnownSecurities(
    tickers={"1": "MOG-A", "2": "MOG-B", "3": "OLDX", "4": "TMUS"},
    names=index_names(
        [
            ("MOOG INC CLASS A", "1"),
            ("MOOG INC CLASS B", "2"),
            ("Moog Inc.", "1"),
            ("Moog Inc.", "2"),
            ("THE VERY LONG NAMED COMPANY OF THE NORTH INC"[:34], "3"),
            ("T-Mobile US, Inc. /DE/", "4"),
        ]
    ),
    identifiers={"615394202": frozenset({"1"}), "LEI3": frozenset({"3"})},
    sectors={"1": "Industrials"},
)


def match(**position: Any) -> tuple[str | None, str | None]:
    filed = dict.fromkeys(POSITION_COLUMNS) | {"asset_category": "EC", "payoff_profile": "Long"}
    found = match_positions(pd.DataFrame([filed | {"units": "NS"} | position]), KNOWN)
    ticker, reason = found[["ticker", "reason"]].astype(object).iloc[0]
    return ticker, reason


@pytest.mark.parametrize(
    ("position", "ticker", "reason"),
    [
        # the number outlives the names
        ({"cusip": "615394202", "name": "New Name Inc", "ticker": "NEWN"}, "MOG-A", None),
        ({"ticker": "BRK/B", "name": "Berkshire"}, "BRK-B", None),
        ({"title": "Moog Inc., Class B", "name": "Moog Inc"}, "MOG-B", None),
        ({"name": "Moog Incorporated"}, None, AMBIGUOUS),
        ({"name": "Very Long Named Company of the North Inc"}, None, UNMATCHED),
        ({"name": "The Very Long Named Company of the North Inc"}, "OLDX", None),
        ({"name": "T-MOBILE US INC"}, "TMUS", None),
        ({"name": "Moog Holdings Inc"}, None, UNMATCHED),
        ({"name": "Another", "lei": "LEI3"}, "OLDX", None),
        ({"name": "Moog Inc Class A", "asset_category": "STIV"}, None, NOT_EQUITY),
        ({"name": "Moog Inc Class A", "payoff_profile": "Short"}, None, NOT_EQUITY),
    ],
)
def test_match(position: dict[str, Any], ticker: str | None, reason: str | None) -> None:
    assert match(**position) == (ticker, reason)
