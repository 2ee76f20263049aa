"""Members and their filers, over symbols that were renamed and reused before the list was read."""

from datetime import date, timedelta

import pytest

from tasks.derive.refinancing.index_membership import read_members
from tasks.load.pending_filings import TRACKED_CIKS_SQL
from tests.tasks.derive.filings import Filers, fact
from tests.tasks.derive.incremental.test_dated_symbols import SELDOM, SESSIONS, closes, fill
from tests.tasks.derive.pipeline import House
from warehouse.connect.connections import adbc_connection, connect

LISTED_ON = "2026-01-05"
LIST = {"AAA": 111, "SYM": 222, "NEW": 333, "LATE": 444, "FUND": 999}
LINES = """
select as_of_date, cik, ticker, is_backcast from published.company_refinancing
where ticker is not null order by 1, 2
"""


def listed(house: House, day: date) -> dict[str, int | None]:
    with adbc_connection(house.settings) as connection:
        rows, _ = read_members(connection, [day]).listed("R2000", day)
    return dict(rows.select("ticker", "cik").iter_rows())


def test_the_list_names_who_bears_the_symbol_when_it_is_read(house: House) -> None:
    fill(house, SELDOM)
    Filers(house).load_tickers(LIST, LISTED_ON)
    # SYM was another company's then, and OLD is called NEW today
    assert listed(house, SESSIONS[30]) == {"AAA": 111, "OLD": 333, "SYM": None, "GONE": None}
    assert listed(house, SESSIONS[96]) == {"AAA": 111, "NEW": 333, "LATE": 444, "SYM": 222}
    # the list as it was read stays what it said of the day
    Filers(house).load_tickers({"AAA": 112}, "2026-02-02")
    assert listed(house, date(2026, 2, 1))["AAA"] == 111
    assert listed(house, date(2026, 2, 2))["AAA"] == 112
    assert listed(house, SESSIONS[30])["AAA"] == 111
    followed = house.read(f"select cik from ({TRACKED_CIKS_SQL}) as followed order by 1")
    assert followed["cik"].to_list() == [111, 112, 222, 333, 444]
    items = house.read(
        "select session_date, item from derived.expected_company_facts order by session_date, item"
    ).group_by("session_date", maintain_order=True)
    by_file = [rows["item"].to_list() for _, rows in items]
    assert by_file[0] == ["111", "333", "GONE", "SYM"]
    assert by_file[-1] == ["111", "222", "333", "444"]


def test_a_symbol_may_be_listed_before_it_trades(house: House) -> None:
    fill(house, SELDOM)
    Filers(house).load_tickers({"SYM": 222}, f"{SESSIONS[92 - 15]}")
    assert listed(house, SESSIONS[30])["SYM"] is None
    assert listed(house, SESSIONS[96])["SYM"] == 222


@pytest.mark.parametrize("ends", [30, pytest.param(61, marks=pytest.mark.slow)])
def test_a_rename_that_is_found_late_moves_the_filer_at_once(house: House, ends: int) -> None:
    """The list knows the new symbol before the bars tell whose it is."""
    filers, prices = Filers(house), closes("is renamed")
    bars = {
        ticker: [(ticker, SESSIONS[at], float(prices[at]), 1000 + at) for at in range(until)]
        for ticker, until in (("OLD", ends), ("NEW", ends + 5))
    }
    filers.load_all({333: [fact("LongTermDebt", "2022-10-31", 50.0)]})
    house.load_snapshot("R2000", SESSIONS[0], [("OLD", "Energy", 1.0)])
    house.load_prices(bars["OLD"])
    filers.load_tickers({"NEW": 333, "FUND": 999}, f"{SESSIONS[ends]}")
    filers.derive()
    assert house.read(LINES).rows() == []
    house.load_prices(bars["NEW"])
    filers.derive()
    found = house.read(LINES).rows()
    assert found[0] == (date(2022, 12, 31), 333, "OLD", True)
    assert len(found) == (2 if ends == 61 else 1)
    by_steps = filers.checksums()
    filers.rebuild()
    assert filers.checksums() == by_steps


def test_a_line_of_the_list_reaches_members_alone_and_from_its_own_day(house: House) -> None:
    filers = Filers(house)
    debt = [fact("LongTermDebt", "2022-10-31", 50.0)]
    filers.load_all({111: debt, 112: debt})
    house.load_snapshot("R2000", date(2022, 11, 1), [("AAA", "Energy", 1.0)])
    house.load_prices([("AAA", date(2023, 7, 3), 10.0, 1)])
    filers.load_tickers({"AAA": 111}, "2022-11-01")
    filers.derive()
    reached = "select distinct as_of_date, cik from history.company_refinancing"
    filers.load_tickers({"FUND": 999}, "2023-05-01")
    filers.derive()
    assert house.read(reached).rows() == []
    filers.load_tickers({"AAA": 112}, "2023-05-01")
    filers.derive()
    # both companies' rows of the quarter-end after it, and none before
    assert sorted(house.read(reached).rows()) == [
        (date(2023, 6, 30), 111), (date(2023, 6, 30), 112),
    ]  # fmt: skip
    assert house.read(LINES).rows()[-1][1:3] == (112, "AAA")
    by_steps = filers.checksums()
    filers.rebuild()
    assert filers.checksums() == by_steps


def test_a_filing_that_is_dated_anew_moves_the_quarter_ends_between(house: House) -> None:
    filers = Filers(house)
    old = fact("LongTermDebt", "2022-12-31", 50.0, filed="2023-02-20")
    filers.load_facts(1, [old])
    house.load_prices([("AAA", date(2024, 7, 1), 10.0, 1)])
    debt = (
        "select total_debt_usd from published.company_refinancing where as_of_date = $$2024-03-31$$"
    )
    for filed, known in (("2024-02-20", 90.0), ("2024-04-02", 50.0), ("2024-02-20", 90.0)):
        new = fact(
            "LongTermDebt", "2023-12-31", 90.0, filed=filed, accession="0000000001-24-000007"
        )
        filers.load_facts(1, [new])
        filers.derive()
        assert house.read(debt)["total_debt_usd"].to_list() == [known]
        by_steps = filers.checksums()
        filers.rebuild()
        assert filers.checksums() == by_steps


def test_who_joined_and_left_is_told_by_company(house: House) -> None:
    fill(house, SELDOM)
    changes = house.read(
        "select known_from, change, ticker, as_of_date, previous_as_of_date"
        " from published.index_change where index_code = 'R2000' order by 1, 2, 3"
    )
    # OLD that is called NEW has neither left nor joined, SYM of another company has
    assert changes.select("known_from", "change", "ticker").rows() == [
        (SESSIONS[41], "deleted", "SYM"),
        (SESSIONS[50], "added", "LATE"),
        (SESSIONS[70], "deleted", "GONE"),
        (SESSIONS[95], "added", "SYM"),
    ]
    first = changes.row(0, named=True)
    assert first["as_of_date"] == SESSIONS[41] - timedelta(days=1)
    assert first["previous_as_of_date"] == SESSIONS[5] - timedelta(days=1)


def test_session_that_ends_no_quarter_derives_and_withdraws_nothing(house: House) -> None:
    filers = Filers(house)
    filers.load_facts(1, [fact("Assets", "2024-12-31", 10.0, filed="2025-02-03")])
    house.load_prices([("AAA", date(2025, 4, 1), 10.0, 1)])
    filers.derive()
    ends = "select as_of_date from derived.company_refinancing order by 1"
    assert house.read(ends)["as_of_date"].to_list() == [date(2025, 3, 31)]
    loads = "select count(*) from audit.load where starts_with(table_name, 'derived.')"
    before = house.read(loads).item()
    house.load_prices([("AAA", date(2025, 4, 2), 10.0, 1)])
    filers.derive()
    assert house.read(ends).height == 1
    assert house.read(loads).item() == before
    house.load_prices([("AAA", date(2025, 7, 1), 10.0, 1)])
    filers.derive()
    assert house.read(ends)["as_of_date"].to_list() == [date(2025, 3, 31), date(2025, 6, 30)]
    # a session that was withdrawn takes the quarter that it ended with it
    with connect(house.settings, "owner") as connection:
        connection.execute("delete from core.daily_price where session_date = '2025-07-01'")
        connection.execute(
            "insert into audit.change (table_name, item, from_date, run_id)"
            " select 'company_fact', '1', '2025-04-03', max(run_id) from audit.run"
        )
    filers.derive()
    assert house.read(ends)["as_of_date"].to_list() == [date(2025, 3, 31)]
