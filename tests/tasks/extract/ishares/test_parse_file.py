"""Test the parser of holdings files: layouts, excluded rows, spellings, truncated files."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from tasks.extract.ishares.classify_rows import exclusion_reason, yahoo_ticker
from tasks.extract.ishares.errors import HoldingsParseError
from tasks.extract.ishares.parse_file import EXCLUDED_COLUMNS, MEMBER_COLUMNS, parse_holdings
from warehouse.reference import read_reference

FUND = {"fund": "IWM", "index_code": "R2000"}
CLASSIC = Path(__file__).parent / "holdings" / "2024.csv"
VARIANT = """iShares Russell 2000 ETF
Fund Holdings as of,"Nov 21, 2025"

Ticker,Name,Type,Sector,Asset Class,Market Value,Notional Value,Shares,Exchange,Market Weight
"MOG A","MOOG INC CLASS A","EQUITY","Industrials","Equity","300.00","300.00","2.00","NYSE","75.00"
"ZETA","ZETA GLOBAL HOLDINGS CORP CLASS A","EQUITY","-","Equity","100.00","1","4","NYSE","25.00"

Legal text
"""


def test_members_and_excluded_rows() -> None:
    holdings = parse_holdings(CLASSIC.read_bytes(), FUND)
    assert holdings.as_of_date == date(2024, 6, 6)
    members = holdings.members
    assert members.dtypes.astype(str).to_dict() == MEMBER_COLUMNS
    assert holdings.excluded.dtypes.astype(str).to_dict() == EXCLUDED_COLUMNS
    assert list(members["ticker"]) == ["SPLT", "MOG-A", "CVI", "CVRX"]
    assert list(members["file_ticker"]) == ["SPLT", "MOGA", "CVI", "CVRX"]
    # 6 of 10 million: without the cash of the file
    assert list(members["weight_pct"]) == [60.0, 30.0, 9.0, 1.0]
    assert list(members["weight_pct_filed"]) == [59.70, 29.85, 8.96, 1.00]
    assert members.loc[0, ["shares", "price_usd"]].tolist() == [5000.0, 1200.0]
    assert set(members["as_of_date"]) == {pd.Timestamp("2024-06-06")}
    assert set(members["known_from"]) == {pd.Timestamp("2024-06-07")}
    reasons = holdings.excluded.set_index("file_ticker")["reason"].to_dict()
    assert reasons == {
        "USD": "not_equity",
        "CAD": "not_equity",
        "AKE": "contingent_value_right",
        "-": "private",
        "TSEOF": "otc",
        "RTYM4": "not_equity",
    }


def test_layout_of_november_2025() -> None:
    members = parse_holdings(VARIANT, FUND).members
    assert list(members["ticker"]) == ["MOG-A", "ZETA"]
    assert list(members["weight_pct"]) == [75.0, 25.0]
    assert list(members["shares"]) == [2.0, 4.0]
    assert members["price_usd"].isna().all()
    assert list(members["sector"].isna()) == [False, True]
    # a file of a Friday is published on Monday
    assert members["known_from"][0] == pd.Timestamp("2025-11-24")


def test_known_from_skips_closed_days() -> None:
    # 9 January 2025 was a day of mourning
    text = VARIANT.replace("Nov 21, 2025", "Jan 08, 2025")
    assert parse_holdings(text, FUND).members["known_from"][0] == pd.Timestamp("2025-01-10")


def test_repeated_ticker_is_kept() -> None:
    line = next(line for line in VARIANT.splitlines() if line.startswith('"ZETA"'))
    members = parse_holdings(VARIANT.replace(line, f"{line}\n{line}"), FUND).members
    assert list(members["ticker"]) == ["MOG-A", "ZETA", "ZETA"]


def test_dash_as_date_means_no_file() -> None:
    text = CLASSIC.read_text("utf-8").replace("Jun 06, 2024", "-")
    holdings = parse_holdings(text, FUND)
    assert holdings.as_of_date is None
    assert len(holdings.members) == len(holdings.excluded) == 0
    assert holdings.members.dtypes.astype(str).to_dict() == MEMBER_COLUMNS


@pytest.mark.parametrize("part", [0.3, 0.5, 0.7, 0.8])
def test_truncated_file_is_refused(part: float) -> None:
    content = CLASSIC.read_bytes()
    with pytest.raises(HoldingsParseError) as caught:
        parse_holdings(content[: int(len(content) * part)], FUND)
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!DOCTYPE html><html>Are you a robot?</html>", "html"),
        ("", "not_csv"),
        ("some text", "not_csv"),
        (VARIANT.replace("Nov 21, 2025", "21/11/2025"), "not_csv"),
        (VARIANT.replace("Market Value", "Value"), "not_csv"),
        (VARIANT.replace("Nov 21, 2025", "06/07/2026"), "not_csv"),
        ("[1, 2]", "not_csv"),
        ("\n".join(VARIANT.splitlines()[3:]), "not_csv"),
    ],
)
def test_invalid_file_is_refused(text: str, reason: str) -> None:
    with pytest.raises(HoldingsParseError) as caught:
        parse_holdings(text, FUND)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [
        ("BRKB", "BRK-B"),
        ("BRK B", "BRK-B"),
        ("brk.b", "BRK-B"),
        ("BF/B", "BF-B"),
        ("HOLX US", "HOLX"),
        *((plain, plain) for plain in ("ZETA", "ACVA", "IBTA", "RUSHA", "BELFA", "HUBB", "LILA")),
        *((plain, plain) for plain in ("CENTA", "KELYA", "ZVIA", "CBNA", "BETA", "FCNCA", "UBA")),
    ],
)
def test_yahoo_ticker(ticker: str, expected: str) -> None:
    assert yahoo_ticker(ticker) == expected


def test_class_shares_differ_by_a_dash_only() -> None:
    table = read_reference("class_share")
    assert table["file_ticker"].is_unique
    assert list(table["ticker"].str.replace("-", "")) == list(table["file_ticker"])
    assert table["ticker"].str.fullmatch(r"[A-Z]+-[ABV]").all()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"exchange": "New York Stock Exchange Inc."}, None),
        ({"exchange": "Cboe BZX"}, None),
        ({"exchange": "NYSE Arca"}, None),
        ({"exchange": "-"}, "not_listed"),
        ({"exchange": ""}, "not_listed"),
        ({"exchange": "NO MARKET (E.G. UNLISTED)"}, "not_listed"),
        ({"exchange": "Toronto Stock Exchange"}, "unknown_exchange"),
        ({"name": "GTXI INC - CVR"}, "contingent_value_right"),
        ({"name": "CVR ENERGY INC"}, None),
        ({"name": "BRIGHT MINDS BIOSCIENCES INC"}, None),
        ({"name": "WARRIOR MET COAL INC"}, None),
        ({"name": "M TRON INDUSTRIES RIGHTS EXPIRY TH"}, "right"),
        ({"name": "PULSE BIOSCIENCE WARRANTS"}, "warrant"),
        ({"name": "Petrocorp Inc Escrow"}, "escrow"),
        ({"ticker": "MPTI RT"}, "right"),
        ({"ticker": "-"}, "no_ticker"),
        ({"ticker": "A*B"}, "unreadable_ticker"),
        ({"asset_class": "Money Market"}, "not_equity"),
        ({"price": "0.00"}, None),
        ({"price": "-"}, None),
    ],
)
def test_exclusion_reason(changes: dict[str, str], reason: str | None) -> None:
    row = {
        "ticker": "AAA",
        "name": "A CORP",
        "asset_class": "Equity",
        "exchange": "NASDAQ",
        "price": "1.00",
    }
    assert exclusion_reason(row | changes) == reason


def test_filed_weights_of_lines_that_are_no_member_count_with_their_signs() -> None:
    holdings = parse_holdings(CLASSIC.read_bytes(), FUND)
    total = holdings.members["weight_pct_filed"].sum() + holdings.members["excluded_weight_pct"][0]
    assert total == pytest.approx(100.01)
