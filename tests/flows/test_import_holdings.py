"""Holdings files saved with a browser, in each layout that the provider has had since 2023."""

from pathlib import Path

import pytest

from tests.flows.conftest import MakeReplay
from tests.flows.replay import Replay

TITLE = "iShares Russell 2000 ETF"
HEAD = "Ticker,Name,Sector,Asset Class,Market Value,Weight (%),Notional Value"
REST = "Location,Exchange,Currency,FX Rate,Market Currency,Accrual Date"
# day of the file, its columns
LAYOUTS = {
    "2023, with Shares": (
        "Feb 03, 2026",
        f"{HEAD},Shares,Price,{REST}",
    ),
    "2025, with Quantity": (
        "Feb 04, 2026",
        f"{HEAD},Quantity,Price,{REST}",
    ),
    "November 2025, without a price": (
        "Feb 05, 2026",
        "Ticker,Name,Type,Sector,Asset Class,Market Value,Notional Value,Shares,Exchange,"
        "Notional Weight,Market Weight",
    ),
    "June 2026, with swaps": (
        "Feb 06, 2026",
        f"Ticker,Name,Type,Sector,Asset Class,Market Value,Notional Value,Quantity,Price,{REST},"
        "Market Weight,Notional Weight",
    ),
}
# 60, 30 and 9 of 99 million in shares, and 1 in cash
POSITIONS = {
    "FORM": ("Equity", "60,000,000.00", "60.00", "600,000.00", "NASDAQ"),
    "MOGA": ("Equity", "30,000,000.00", "30.00", "300,000.00", "NYSE"),
    "CVI": ("Equity", "9,000,000.00", "9.00", "90,000.00", "New York Stock Exchange Inc."),
    "USD": ("Cash", "1,000,000.00", "1.00", "1,000,000.00", "-"),
}
EXPECTED = [("CVI", 9.0909, 90_000), ("FORM", 60.6061, 600_000), ("MOG-A", 30.3030, 300_000)]


def line(columns: str, ticker: str, **changes: str) -> str:
    asset_class, value, weight, quantity, exchange = POSITIONS[ticker]
    cells = {
        "Ticker": ticker,
        "Name": f"{ticker} INC",
        "Type": asset_class.upper(),
        "Sector": "Industrials",
        "Asset Class": asset_class,
        "Market Value": value,
        "Weight (%)": weight,
        "Market Weight": weight,
        "Shares": quantity,
        "Quantity": quantity,
        "Price": "100.00",
        "Exchange": exchange,
        "Currency": "USD",
    } | changes
    return ",".join(f'"{cells.get(column, "-")}"' for column in columns.split(","))


def write(folder: Path, layout: str) -> Path:
    day, columns = LAYOUTS[layout]
    lines = [line(columns, ticker) for ticker in POSITIONS]
    if "swaps" in layout:
        value = {"Type": "SWAP", "Market Value": "0.00", "Quantity": "1.00", "Market Weight": "-"}
        # a tenth of a share more, worth nothing in the file
        lines.insert(1, line(columns, "FORM", **value))
        lines = [each.replace('"MOGA"', '"MOG A"') for each in lines]
    head = [TITLE, f'Fund Holdings as of,"{day}"', 'Stock,"-"', "\u00a0", columns]
    file = folder / "IWM_holdings.csv"
    text = "\n".join([*head, *lines, "\u00a0", '"Legal text"', ""])
    file.write_text(text, encoding="utf-8-sig")
    return file


def members(replay: Replay, day: str) -> list[tuple[str, float, float]]:
    return replay.rows(
        "select ticker, round(weight_pct::numeric, 4)::float, shares::float"
        " from published.index_membership"
        " where index_code = 'R2000' and as_of_date = %s::date order by ticker",
        day,
    )


@pytest.fixture(scope="module")
def replay(start_replay: MakeReplay) -> Replay:
    """A warehouse that other flows load nothing into."""
    return start_replay()


@pytest.mark.parametrize(
    "layouts",
    [["June 2026, with swaps"], pytest.param([*LAYOUTS], marks=pytest.mark.slow)],
    ids=["newest", "all"],
)
def test_layouts_are_imported_and_a_second_time_changes_nothing(
    start_replay: MakeReplay, tmp_path: Path, layouts: list[str]
) -> None:
    replay = start_replay()
    for layout in layouts:
        day, _ = LAYOUTS[layout]
        end = replay.run("import_holdings", file=write(tmp_path, layout), fund="IWM")
        assert end.state == "Completed", f"{layout}: {end.output}"
        assert members(replay, day) == EXPECTED, layout
    again = replay.run("import_holdings", file=tmp_path / "IWM_holdings.csv", fund="IWM")
    assert again.state == "Completed", again.output
    assert "0 new, 0 changed, 3 unchanged, 0 deleted, 0 quarantined" in again.message
    assert members(replay, day) == EXPECTED
    assert replay.column("select count(*) from history.index_membership") == [0]
    # no provider was asked
    assert replay.sandbox.requests() == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param(
            f'{TITLE}\nFund Holdings as of,"Feb 03, 2026"\nStock,"-"\n',
            "",
            "not_csv",
            marks=pytest.mark.slow,
        ),
        pytest.param(TITLE, "iShares Core S&P 500 ETF", "another_fund", marks=pytest.mark.slow),
        ('"Legal text"', "", "truncated"),
        pytest.param("Market Value", "Value", "not_csv", marks=pytest.mark.slow),
        pytest.param("Feb 03", "Mar 03", "date_in_future", marks=pytest.mark.slow),
        (TITLE, "<!DOCTYPE html>", "html"),
    ],
)
def test_an_unusable_file_is_refused_with_its_reason_and_loads_nothing(
    replay: Replay, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    file = write(tmp_path, "2023, with Shares")
    text = file.read_text("utf-8-sig")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8-sig")
    before = replay.checksums(), replay.column("select max(run_id) from audit.run")
    end = replay.run("import_holdings", file=file, fund="IWM")
    assert end.state == "Failed", end.output
    assert replay.fetches() == {"IWM": ("refused", reason, 1)}
    assert replay.checksums() == before[0]
    assert replay.column("select max(run_id) from audit.run") != before[1]
