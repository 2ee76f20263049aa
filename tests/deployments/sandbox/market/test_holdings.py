"""Holdings files: the issuer's layout, and the funds' values rebuilt from them."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

FUNDS = ("IWM", "IVV", "IJR")


def _read(path: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Header lines by name, and the rows, read as a consumer would."""
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("Ticker,"))
    stop = next(i for i in range(start, len(lines)) if not lines[i].strip("\u00a0 "))
    head = dict(row for row in csv.reader(lines[1:start]) if len(row) == 2)
    return head, list(csv.DictReader(io.StringIO("\n".join(lines[start:stop]))))


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _files(tape, fund: str) -> list[Path]:
    return sorted((tape.folder / "holdings" / fund).glob("*.csv"))


@pytest.mark.parametrize("fund", FUNDS)
def test_bytes_follow_the_layout(tape, fund):
    for path in _files(tape, fund):
        content = path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbfiShares ")
        assert b"\r" not in content
        lines = content.decode("utf-8").split("\n")
        assert lines[8] == "\u00a0"
        assert lines[9].startswith("Ticker,Name,Sector,Asset Class,Market Value,Weight (%)")
        assert lines[4:8] == ['Stock,"-"', 'Bond,"-"', 'Cash,"-"', 'Other,"-"']
        end = lines.index("\u00a0", 10)
        legal = "\n".join(lines[end + 1 :])
        assert legal.count('"') == 2
        assert legal.strip().startswith('"')
        assert legal.strip().count("\n") >= 2
        assert datetime.strptime(_read(path)[0]["Fund Holdings as of"], "%b %d, %Y").date() == (
            date.fromisoformat(path.stem)
        )


def test_the_older_layout_says_shares(tape):
    for fund, heading in (("IWM", "Quantity"), ("IVV", "Quantity"), ("IJR", "Shares")):
        _, rows = _read(_files(tape, fund)[-1])
        assert heading in rows[0]
        assert len({"Quantity", "Shares"} & set(rows[0])) == 1


@pytest.mark.parametrize("fund", FUNDS)
def test_net_asset_value_rebuilt_from_a_file_is_the_close(longer_tape, fund):
    closes = longer_tape.bars.filter(pl.col("ticker") == fund)
    closes = dict(closes.select("session_date", "close").iter_rows())
    for path in _files(longer_tape, fund):
        head, rows = _read(path)
        total = sum(_number(row["Market Value"]) for row in rows)
        value = total / _number(head["Shares Outstanding"])
        assert value == pytest.approx(closes[date.fromisoformat(path.stem)], abs=0.006)


@pytest.mark.parametrize("fund", FUNDS)
def test_rows_agree_with_the_bars_of_the_day(longer_tape, fund):
    closes = {
        (ticker, day): close
        for ticker, day, close in longer_tape.bars.select(
            "ticker", "session_date", "close"
        ).iter_rows()
    }
    for path in _files(longer_tape, fund)[::6]:
        day = date.fromisoformat(path.stem)
        _, rows = _read(path)
        stocks = [row for row in rows if row["Asset Class"] == "Equity" and row["Price"] != "0.00"]
        found = 0
        for row in stocks:
            close = closes.get((row["Ticker"].replace(" ", "-"), day))
            if close is not None:
                assert _number(row["Price"]) == pytest.approx(close, abs=0.0051)
                found += 1
        # Halted members have a price but no bar.
        assert found >= 0.9 * len(stocks)
        assert sum(float(row["Weight (%)"]) for row in rows) == pytest.approx(100, abs=0.7)
        assert all(len(row["Name"]) <= 34 for row in rows)


def test_rows_that_are_no_stocks_are_there(longer_tape):
    _, rows = _read(_files(longer_tape, "IWM")[-1])
    kinds = [row["Asset Class"] for row in rows]
    for kind in ("Cash", "Money Market", "Cash Collateral and Margins", "Futures"):
        assert kind in kinds
    assert any(row["Name"].endswith("CVR") and row["Asset Class"] == "Equity" for row in rows)
    assert any(" " in row["Ticker"] for row in rows)


def test_files_cover_month_ends_and_the_last_two_weeks(longer_tape):
    sessions = longer_tape.bars["session_date"].unique().sort()
    days = [date.fromisoformat(path.stem) for path in _files(longer_tape, "IWM")]
    assert days[-10:] == sessions.tail(10).to_list()
    months = (
        sessions.to_frame()
        .group_by(pl.col("session_date").dt.truncate("1mo"))
        .agg(last=pl.col("session_date").max())
    )
    complete = months.sort("last")["last"].to_list()[:-1]
    assert set(complete) <= set(days)


def test_delisted_members_drop_out(longer_tape):
    gone = longer_tape.csv("truth_companies").filter(pl.col("ending") != "")
    by_day = {
        date.fromisoformat(path.stem): {row["Name"] for row in _read(path)[1]}
        for path in _files(longer_tape, "IWM")
    }
    for name, last in gone.select("name", "last_session").iter_rows():
        shown = name.upper()[:34].strip()
        assert all(shown not in names for day, names in by_day.items() if day > last)


def test_lists_change_in_june(longer_tape):
    june, july = (
        {row["Ticker"] for row in _read(path)[1]}
        for path in _files(longer_tape, "IVV")
        if path.stem in ("2025-05-30", "2025-07-31")
    )
    assert june - july
    assert july - june
