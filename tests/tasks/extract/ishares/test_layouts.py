"""Test odd lines, spellings and layouts: each costs its line, or the file is refused."""

from collections.abc import Callable

import pandas as pd
import pytest

from expectations.tables.index_membership import CONTRACT, add_context
from tasks.extract.ishares.errors import HoldingsParseError
from tasks.extract.ishares.parse_file import HoldingsFile, parse_holdings
from tasks.extract.ishares.parse_table import read_number
from tasks.validate.validate import Checked, Refused, validate

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FUND = {"fund": "IJR", "index_code": "SP600"}
COLUMNS = (
    "Ticker,Name,Type,Sector,Asset Class,Market Value,Notional Value,Quantity,Price,Location,"
    "Exchange,Currency,FX Rate,Market Currency,Accrual Date,Market Weight,Notional Weight"
)


def line(ticker: str, **changes: str) -> str:
    """Return a line of a share worth 600.00: 60 shares at 10."""
    cells = dict.fromkeys(COLUMNS.split(","), "-") | {
        "Ticker": ticker,
        "Name": f"{ticker} INC",
        "Type": "EQUITY",
        "Sector": "Financials",
        "Asset Class": "Equity",
        "Market Value": "600.00",
        "Quantity": "60.00",
        "Price": "10.00",
        "Exchange": "NYSE",
        "Currency": "USD",
        "Market Weight": "60.00",
    }
    cells |= {name.replace("_", " "): value for name, value in changes.items()}
    return ",".join(f'"{cell}"' for cell in cells.values())


def swap(ticker: str, **changes: str) -> str:
    """Return a swap on ten shares at 10 without a market value, as files have it."""
    values = {"Type": "SWAP", "Market_Value": "0.00", "Quantity": "10.00", "Market_Weight": "-"}
    return line(ticker, **(values | changes))


def file(*lines: str) -> str:
    """Return a holdings file with these lines."""
    head = 'iShares Core S&P Small-Cap ETF\nFund Holdings as of,"Jun 19, 2026"\n'
    return "\n".join([head, COLUMNS, *lines, "", '"Legal text"', ""])


CASH = line("USD", Type="CASH", Asset_Class="Cash", Exchange="-")
B = line("B", Market_Value="400.00", Quantity="40", Market_Weight="40.00")
PLAIN = file(line("A"), B, CASH)


def weights(holdings: HoldingsFile) -> dict[str, float]:
    return dict(zip(holdings.members["ticker"], holdings.members["weight_pct"], strict=True))


def reasons(holdings: HoldingsFile) -> dict[str, str]:
    return dict(zip(holdings.excluded["file_ticker"], holdings.excluded["reason"], strict=True))


POSITIONS = {
    # lines, then weight, shares and value of each member
    "partly by swap": ([line("A"), swap("A"), B], {"A": (60, 60, 600), "B": (40, 40, 400)}),
    "the swap first": ([swap("A"), line("A"), B], {"A": (60, 60, 600), "B": (40, 40, 400)}),
    "two swaps": ([line("A"), swap("A"), swap("A"), B], {"A": (60, 60, 600), "B": (40, 40, 400)}),
    "a swap with a value": (
        [line("A", Market_Value="500.00"), swap("A", Market_Value="100.00"), B],
        {"A": (60, 60, 600), "B": (40, 40, 400)},
    ),
    "by swap alone": (
        [swap("A", Quantity="20.00"), swap("A", Quantity="40.00"), B],
        {"A": (60, 60, 600), "B": (40, 40, 400)},
    ),
    "the share's line is empty": (
        [line("A", Market_Value="0.00", Quantity="0.00"), swap("A", Quantity="60"), B],
        {"A": (60, 60, 600), "B": (40, 40, 400)},
    ),
    "a swap told by its name": (
        [line("A"), line("A", Name="A INC SWAP", Market_Value="-"), B],
        {"A": (60, 60, 600), "B": (40, 40, 400)},
    ),
    "a class share": (
        [line("MOG A"), swap("MOGA"), B],
        {"MOG-A": (60, 60, 600), "B": (40, 40, 400)},
    ),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_a_position_held_by_swap_counts_once_with_its_value(name: str) -> None:
    lines, expected = POSITIONS[name]
    members = parse_holdings(file(*lines, CASH), FUND).members.set_index("ticker")
    found = members[["weight_pct", "shares", "market_value_usd"]]
    assert {str(name): tuple(row) for name, row in found.iterrows()} == expected


@pytest.mark.parametrize(("fund", "members", "swaps"), [("IJR", 604, 50), ("IJH", 400, 3)])
def test_all_members_of_a_fund_with_swaps_are_loaded(fund: str, members: int, swaps: int) -> None:
    """Each share counts once: most are held, some partly by swap, and the last one by swap alone.

    The cash behind the swaps is as much as they are worth: a share for each that has no line.
    """
    symbols = [f"{a}{b}{c}" for a in "QXZ" for b in LETTERS for c in LETTERS][:members]
    weight = f"{100 / members:.4f}"
    lines = [line(symbol, Market_Weight=weight) for symbol in symbols[:-1]]
    lines += [swap(symbol) for symbol in symbols[-swaps:]]
    cash = line("USD", Type="CASH", Asset_Class="Cash", Exchange="-", Market_Weight=weight)
    found = parse_holdings(file(*lines, cash), {"fund": fund, "index_code": "X"})
    checked = validate(CONTRACT, add_context(found.members, members))
    assert isinstance(checked, Checked), checked
    assert set(checked.valid_rows["ticker"]) == set(symbols)
    assert len(checked.valid_rows) == members
    assert checked.quarantine.empty
    weights = checked.valid_rows.set_index("ticker")["weight_pct"]
    # worth 600 each, but the last one: ten shares at ten
    worth = 600 * (members - 1) + 100
    assert weights[symbols[0]] == pytest.approx(100 * 600 / worth)
    assert weights[symbols[-1]] == pytest.approx(100 * 100 / worth)


def test_a_file_with_a_part_of_the_fund_is_refused_with_the_weight_that_it_has() -> None:
    """Two shares at 0.94 % of the fund: lines are missing, or 0.28 means 28 %."""
    lines = [
        line("AX", Market_Value="301,108,335.62", Market_Weight="0.28"),
        swap("AX"),
        line("FORM", Market_Value="703,025,277.90", Market_Weight="0.66"),
    ]
    found = parse_holdings(file(*lines), FUND)
    assert weights(found) == {
        "AX": pytest.approx(100 * 301_108_335.62 / 1_004_133_613.52),
        "FORM": pytest.approx(100 * 703_025_277.90 / 1_004_133_613.52),
    }
    refused = validate(CONTRACT, add_context(found.members, None))
    assert isinstance(refused, Refused)
    assert "filed_weight_sum_pct is 0.94" in refused.message
    assert "lines are missing, or the weights are no percentages of the fund" in refused.message


def test_a_short_swap_is_no_member_and_takes_no_weight() -> None:
    members = parse_holdings(file(line("A"), swap("S", Quantity="-10.00"), CASH), FUND).members
    assert list(members["market_value_usd"]) == [600, -100]
    assert members["weight_pct"].fillna(0).tolist() == [100, 0]


def test_a_swap_of_a_share_with_an_unread_line_does_not_stand_for_the_share() -> None:
    holdings = parse_holdings(file(line("A", Market_Value="6.000,00"), swap("A"), B, CASH), FUND)
    assert weights(holdings) == {"B": 100}
    assert reasons(holdings)["A"] == "unreadable_number"


ODD_LINES = {
    "(1,234.56)": None,
    "N/A": None,
    "-": None,
    "1.000.000,00": "unreadable_number",
    "400,00": "unreadable_number",
    "1e3": "unreadable_number",
    "nan": "unreadable_number",
    "1_000": "unreadable_number",
}


@pytest.mark.parametrize("text", ODD_LINES)
@pytest.mark.parametrize("column", ["Market Value", "Quantity", "Price", "Market Weight"])
def test_an_odd_number_costs_its_line_and_only_of_a_member(text: str, column: str) -> None:
    changes = {column.replace(" ", "_"): text}
    odd_cash = line("USD", **({"Asset_Class": "Cash", "Exchange": "-"} | changes))
    holdings = parse_holdings(file(line("A"), line("B", **changes), odd_cash), FUND)
    expected = {"USD": "not_equity"} | ({"B": ODD_LINES[text]} if ODD_LINES[text] else {})
    assert reasons(holdings) == expected
    has_no_value = column == "Market Value" and text in ("(1,234.56)", "N/A", "-")
    assert weights(holdings)["A"] == (100 if "B" in expected or has_no_value else 50)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234.56", 1234.56),
        ("1234.56", 1234.56),
        ("$1,234.56", 1234.56),
        ("(1,234.56)", -1234.56),
        ("-1,234.56", -1234.56),
        ("0", 0),
        ("1,234,567", 1234567),
    ],
)
def test_numbers(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    "bad", ['"C","C INC"', line("C") + ',"x"', line("C").replace('"C INC"', '"C INC'), '"C']
)
def test_a_line_with_other_cells_costs_itself(bad: str) -> None:
    holdings = parse_holdings(file(line("A"), bad, B, CASH), FUND)
    assert weights(holdings) == {"A": 60, "B": 40}
    odd = holdings.excluded.set_index("reason").loc["unreadable_line"]
    assert (odd["file_ticker"][:1], odd["line"]) == ("C", bad)


def test_two_classes_under_one_ticker_stay_two_rows_of_which_none_has_a_weight() -> None:
    other = line("A", Name="A INC CLASS B", Market_Value="300.00")
    members = parse_holdings(file(line("A"), other, B), FUND).members
    assert list(members["ticker"]) == ["A", "A", "B"]
    assert members["weight_pct"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize("currency", ["EUR", "CAD"])
def test_a_value_in_another_currency_is_no_dollar(currency: str) -> None:
    holdings = parse_holdings(file(line("A", Currency=currency), B, CASH), FUND)
    assert weights(holdings) == {"B": 100}
    assert reasons(holdings)["A"] == "currency_not_usd"


def quote_header(text: str) -> str:
    return text.replace(COLUMNS, ",".join(f'"{name}"' for name in COLUMNS.split(",")))


def unquoted(text: str, delimiter: str) -> str:
    return (
        text.replace('","', f'"{delimiter}"')
        .replace(COLUMNS, COLUMNS.replace(",", delimiter))
        .replace("as of,", f"as of{delimiter}")
    )


LAYOUTS: dict[str, Callable[[str], str | bytes]] = {
    "byte-order mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CR": lambda text: text.replace("\n", "\r"),
    "quoted header": quote_header,
    "lower-case header": lambda text: text.replace(COLUMNS, COLUMNS.lower()),
    "lower-case asset class": lambda text: text.replace('"Equity"', '"equity"'),
    "semicolons": lambda text: unquoted(text, ";"),
    "tabs": lambda text: unquoted(text, "\t"),
    "trailing commas": lambda text: "\n".join(row + ",,," for row in text.split("\n")),
    "spaces in the blank line": lambda text: text.replace("\n\n", "\n \u00a0\n"),
    "no quotes at all": lambda text: text.replace('"', ""),
    "no currency": lambda text: text.replace("Currency", "Coin"),
    **{
        f"date {day}": lambda text, day=day: text.replace("Jun 19, 2026", day)
        for day in ("2026-06-19", "19-Jun-2026", "June 19, 2026", "19/Jun/2026", "JUN 19, 2026")
    },
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_read_as_the_plain_one(name: str) -> None:
    plain, other = (parse_holdings(text, FUND) for text in (PLAIN, LAYOUTS[name](PLAIN)))
    assert weights(plain) == {"A": 60, "B": 40}
    pd.testing.assert_frame_equal(other.members, plain.members)
    assert reasons(other) == reasons(plain) == {"USD": "not_equity"}


REFUSED = {
    "no legal text": (lambda text: text.partition('"Legal')[0], "truncated"),
    "the legal text without a blank line": (lambda text: text.replace('\n\n"', '\n"'), "truncated"),
    "no column of values": (lambda text: text.replace("Market Value", "Worth"), "not_csv"),
    "pipes": (lambda text: unquoted(text, "|"), "not_csv"),
    "XML of a spreadsheet": (lambda text: "<?xml version='1.0'?>" + text, "html"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_says_why(name: str) -> None:
    change, reason = REFUSED[name]
    assert change(PLAIN) != PLAIN
    with pytest.raises(HoldingsParseError) as caught:
        parse_holdings(change(PLAIN), FUND)
    assert caught.value.reason == reason
