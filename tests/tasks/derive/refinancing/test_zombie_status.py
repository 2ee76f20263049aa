"""Zombies by each definition, by hand and in a warehouse."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tasks.derive.incremental.changes import read_changes
from tasks.derive.refinancing.company_figures import (
    EBIT_BELOW_INTEREST,
    read_balance,
    read_years,
)
from tasks.derive.refinancing.index_membership import read_members
from tasks.derive.refinancing.market_value import read_market
from tasks.derive.refinancing.zombie_definitions import (
    CompanyProfile,
    classify,
)
from tasks.derive.refinancing.zombie_status import INPUTS
from tasks.derive.xbrl.facts import PointInTimeFacts
from tests.tasks.derive.filings import Filers, day, fact
from tests.tasks.derive.incremental.test_dated_symbols import SELDOM, SESSIONS, closes, fill
from warehouse.connect.connections import adbc_connection, connect

DEAD = CompanyProfile(
    sector="Energy",
    index_code="R2000",
    ebit_below_interest=(True, True, True),
    ebitda_less_interest_3y=-5.0,
    age_years=20.0,
    leverage=0.9,
    sales_change=-1.0,
    tobins_q=0.5,
    total_return=0.6,
    net_income=-3.0,
)
ALIVE = replace(
    DEAD,
    ebit_below_interest=(False, False, False),
    ebitda_less_interest_3y=5.0,
    leverage=0.1,
    sales_change=1.0,
    tobins_q=2.0,
    total_return=1.5,
    net_income=3.0,
)
THREE_YEARS = {"coverage_3y", "coverage_3y_age_10", "bis_tobins_q"}
PEERS = dict.fromkeys(range(10, 16), ALIVE)
FIGURES = "select * from derived.company_figures order by cik, as_of_date"
KEYS = "select cik, as_of_date from derived.company_refinancing order by cik, as_of_date"


def judged(profile, peers=PEERS):
    return {
        definition: (answer, reason)
        for cik, definition, answer, reason in classify(peers | {1: profile})
        if cik == 1
    }


def test_one_that_is_all_of_it_and_one_that_is_nothing_of_it():
    assert {answer for answer, _ in judged(DEAD).values()} == {True}
    assert {answer for answer, _ in judged(ALIVE).values()} == {False}
    assert len(judged(DEAD)) == 7


@pytest.mark.parametrize(
    ("change", "not_zombie", "unknown"),
    [
        ({"ebit_below_interest": (True, True, False)}, THREE_YEARS, set()),
        ({"ebit_below_interest": (True, True)}, set(), THREE_YEARS),
        ({"age_years": 4.0}, {"coverage_3y_age_10", "bis_tobins_q"}, set()),
        ({"age_years": None}, set(), {"coverage_3y_age_10", "bis_tobins_q"}),
        ({"tobins_q": 3.0}, {"bis_tobins_q"}, set()),
        ({"tobins_q": None}, set(), {"bis_tobins_q"}),
        ({"leverage": 0.05}, {"fed_leverage_sales"}, set()),
        ({"sales_change": None}, set(), {"fed_leverage_sales"}),
        ({"total_return": None}, set(), {"goldman_coverage_return"}),
        ({"total_return": 2.0}, {"goldman_coverage_return"}, set()),
        ({"ebitda_less_interest_3y": None}, set(), {"de_jonghe_ebitda"}),
        ({"ebitda_less_interest_3y": 0.0}, {"de_jonghe_ebitda"}, set()),
        ({"net_income": None}, set(), {"unprofitable"}),
    ],
)  # fmt: skip
def test_each_condition_decides_its_definitions(change, not_zombie, unknown):
    answers = judged(replace(DEAD, **change))
    assert {name for name, (answer, _) in answers.items() if answer is False} == not_zombie
    assert {name for name, (answer, _) in answers.items() if answer is None} == unknown
    assert all((answer is None) == (reason is not None) for answer, reason in answers.values())


def test_one_condition_that_fails_decides_whatever_is_unknown():
    answers = judged(replace(ALIVE, tobins_q=None, age_years=None))
    assert answers["bis_tobins_q"] == (False, None)


def test_a_median_needs_peers():
    answer, reason = judged(DEAD, {10: ALIVE})["bis_tobins_q"]
    assert answer is None
    assert "fewer than" in reason


def test_financials_are_not_judged():
    assert judged(replace(DEAD, sector="Financials")) == {}


def test_years_are_read_from_the_filings():
    facts = []
    for year, (sales, ebit, wear, interest) in enumerate(
        [(100, 9, 1, 5), (90, 4, 2, 5), (80, 3, 2, 5), (70, 1, 2, 5)], start=2019
    ):
        start, end = f"{year}-01-01", f"{year}-12-31"
        facts += [
            fact("Revenues", end, sales, start=start),
            fact("OperatingIncomeLoss", end, ebit, start=start),
            fact("DepreciationDepletionAndAmortization", end, wear, start=start),
            fact("InterestExpense", end, interest, start=start),
        ]
    facts += [fact("Assets", "2022-12-31", 200), fact("StockholdersEquity", "2022-12-31", 50)]
    known = PointInTimeFacts(facts)
    known.advance_to(day("2023-03-31"))
    assert read_years(known, day("2022-12-31")) == {
        **dict.fromkeys(EBIT_BELOW_INTEREST, True),
        "ebitda_less_interest_3y_usd": (1 + 2 - 5) + (3 + 2 - 5) + (4 + 2 - 5),
        "revenue_change_3y_usd": 70 - 100,
    }
    assert read_balance(known, day("2022-12-31")) == {
        "assets_usd": 200,
        "liabilities_usd": 150,
    }


def test_twelve_months_to_march_are_no_year():
    """Three years uncovered, then a quarterly report's column of twelve months that are not."""
    facts = []
    for end, ebit, form in [
        ("2021-12-31", 10, "10-K"),
        ("2022-12-31", 10, "10-K"),
        ("2023-12-31", 10, "10-K"),
        ("2023-03-31", 60, "10-Q"),
        ("2024-03-31", 60, "10-Q"),
    ]:
        start = str(day(end).replace(year=day(end).year - 1) + timedelta(days=1))
        facts += [
            fact("OperatingIncomeLoss", end, ebit, start=start, form=form),
            fact("InterestExpense", end, 50, start=start, form=form),
        ]
    known = PointInTimeFacts(facts)
    known.advance_to(day("2024-06-30"))
    years = read_years(known, day("2024-03-31"))
    assert [years[name] for name in EBIT_BELOW_INTEREST] == [True, True, True]


def test_the_warehouse_gives_every_company_every_definition(house):
    """A market value with a split between the count of shares and the day."""
    filers = Filers(house)
    ends = [f"{year}-12-31" for year in range(2019, 2023)]
    filed = {}
    for cik in range(1, 7):
        facts = filed.setdefault(cik, [])
        for end in ends:
            start = end[:4] + "-01-01"
            facts += [
                fact("Revenues", end, 100.0, start=start),
                fact("OperatingIncomeLoss", end, float(cik), start=start),
                fact("DepreciationDepletionAndAmortization", end, 1.0, start=start),
                fact("InterestExpense", end, 2.5, start=start),
                fact("NetIncomeLoss", end, cik - 3.0, start=start),
                fact("Assets", end, 100.0),
                fact("Liabilities", end, 60.0),
                fact("LongTermDebt", end, 50.0),
            ]
        facts.append(fact("EntityCommonStockSharesOutstanding", "2023-01-31", 10.0 * cik))
    filers.load_all(filed)
    tickers = {f"T{cik}": cik for cik in range(1, 7)}
    filers.load_tickers(tickers)
    house.load_snapshot("R2000", date(2020, 1, 2), [(ticker, "Energy", 1.0) for ticker in tickers])
    bars = [
        (ticker, session, 10.0 / (2 if ticker == "T1" and session.year == 2023 else 1), 1)
        for ticker in tickers
        for session in (date(2021, 3, 31), date(2023, 3, 31))
    ]
    house.load_prices(bars, [("T1", date(2023, 2, 15), "split", 2.0)])
    filers.derive()
    rows = house.read(
        "select definition, cik, is_zombie from published.zombie_status"
        " where as_of_date = '2023-03-31' order by definition, cik"
    )
    assert rows.height == 6 * 7
    zombies = rows.filter(rows["is_zombie"]).group_by("definition", maintain_order=True).agg("cik")
    by_name = dict(zombies.iter_rows())
    assert by_name["coverage_3y"] == [1, 2]
    assert by_name["de_jonghe_ebitda"] == [1]
    assert by_name["unprofitable"] == [1, 2]
    # three years of filings make no ten
    assert "bis_tobins_q" not in by_name
    before, figures = filers.checksums(), house.read(FIGURES)
    # one row of figures per company and quarter-end that has a row, rebuilt as they were
    assert figures.select("cik", "as_of_date").rows() == house.read(KEYS).rows()
    # a later dividend moves total-return closes, and no answer
    house.load_prices(
        [("T2", date(2023, 4, 3), 10.0, 1)], [("T2", date(2023, 4, 3), "dividend", 0.37)]
    )
    filers.derive()
    filers.rebuild()
    assert filers.checksums() == before
    assert house.read(FIGURES).equals(figures)


def test_a_return_is_one_companys_whatever_it_was_called(house):
    """Of a company that took over a symbol within two years, and of one that took a new one."""
    fill(house, SELDOM)
    # two years after the first sessions: SYM was another company's, and NEW was OLD
    late = [
        (ticker, date(2025, 1, 31), close, 1) for ticker, close in (("SYM", 70.0), ("NEW", 66.0))
    ]
    house.load_prices(late)
    house.load_snapshot("R2000", date(2025, 2, 3), [(t, "Energy", 1.0) for t in ("SYM", "NEW")])
    Filers(house).load_tickers({"SYM": 222, "NEW": 333}, "2025-01-02")
    today = date(2025, 2, 3)
    with adbc_connection(house.settings) as connection:
        market = read_market(connection, today, read_members(connection, [today]).on(today))
    before = closes("is renamed")[SESSIONS.index(date(2023, 2, 3))]
    assert market[222]["total_return"] is None
    assert market[333]["total_return"] == pytest.approx(66.0 / before, abs=1e-9)
    assert [market[cik]["close"] for cik in (222, 333)] == [70.0, 66.0]


def test_a_return_is_made_of_what_was_paid_within_its_two_years(house):
    """60 after 100, two for one and 1 paid on 50; what is paid and split later is none of it."""
    Filers(house).load_tickers({"PAYS": 1})
    house.load_snapshot("R2000", date(2021, 1, 4), [("PAYS", "Energy", 1.0)])
    bars = {date(2021, 3, 31): 100.0, date(2022, 8, 31): 50.0, date(2023, 3, 31): 60.0}
    actions = [
        ("PAYS", date(2022, 6, 1), "split", 2.0),
        ("PAYS", date(2022, 9, 1), "dividend", 1.0),
    ]
    house.load_prices([("PAYS", session, close, 1) for session, close in bars.items()], actions)
    day_ = date(2023, 3, 31)

    def seen():
        with adbc_connection(house.settings) as connection:
            market = read_market(connection, day_, read_members(connection, [day_]).on(day_))
        return market[1]["total_return"]

    first = seen()
    assert first == pytest.approx(60 / (100 / 2 * (1 - 1 / 50)), rel=1e-15)
    later = [
        ("PAYS", date(2023, 4, 3), "split", 3.0),
        # of unknown size
        ("PAYS", date(2023, 4, 4), "dividend", None),
    ]
    house.load_prices([("PAYS", date(2023, 4, 4), 20.0, 1)], [*actions, *later])
    assert seen() == first
    within = [("PAYS", date(2022, 12, 1), "dividend", None)]
    house.load_prices([("PAYS", date(2023, 4, 4), 20.0, 1)], [*actions, *within, *later])
    assert seen() is None


def test_a_split_reaches_back_to_its_ex_date_and_no_further(house):
    Filers(house).load_tickers({"AAA": 1})
    house.load_snapshot("R2000", date(2021, 1, 4), [("AAA", "Energy", 1.0)])
    bars = [("AAA", session, 10.0, 1) for session in (date(2023, 3, 31), date(2023, 6, 1))]
    old = ("AAA", date(2021, 6, 1), "split", 3.0)
    house.load_prices(bars, [old, ("BBB", date(2019, 6, 3), "split", 2.0)])

    def reached():
        """What was not followed yet; it is thereafter."""
        with adbc_connection(house.settings) as connection:
            changes = read_changes(connection, "zombie_status", actions)
        with connect(house.settings) as connection:
            connection.execute(
                "insert into audit.derivation values (%s, %s, %s)"
                " on conflict (derived_table, input_table)"
                " do update set change_id = excluded.change_id",
                ("zombie_status", "corporate_action", changes.to_watermark["corporate_action"]),
            )
        return changes.dirty_from.get("everyone")

    actions = {"corporate_action": INPUTS["corporate_action"]}
    assert reached() == date(2021, 6, 1)
    # a dividend beside it is older; a split of no member reaches nobody
    new = [("AAA", date(2023, 5, 2), "split", 2.0), ("AAA", date(2023, 2, 1), "dividend", 0.5)]
    house.load_prices(bars, [old, *new, ("BBB", date(2019, 7, 1), "split", 2.0)])
    assert reached() == date(2023, 2, 1)
    house.load_prices(bars, [old, ("AAA", date(2023, 5, 2), "split", 4.0), new[1]])
    assert reached() == date(2023, 5, 2)
    # withdrawn
    house.load_prices(bars, [old, new[1]])
    assert reached() == date(2023, 5, 2)
    assert reached() is None
