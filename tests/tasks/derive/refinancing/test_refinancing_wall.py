"""The wall, against the truth of a simulated market and by hand."""

from collections import defaultdict
from datetime import date

import polars as pl
import pytest

from deployments.sandbox.market import simulate
from tasks.derive.refinancing.index_totals import IndexCompany, by_sector, wall_rows
from tests.tasks.derive.filings import Filers, fact, ladder
from tests.tasks.derive.pipeline import House
from tests.tasks.derive.simulated import (
    load_market,
    members_of,
    newest_reports,
    spread_by_hand,
    truth,
)

ON = date(2025, 6, 30)
WHOLE_SECTOR = "Utilities"


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tapes") / "filers"
    simulate(folder, seed=7, small=24, large=10, years=1)
    return folder


@pytest.fixture(scope="module")
def filers(module_warehouse, tape):
    """The market's filings, loaded and derived. Only to look at."""
    filers = Filers(House(module_warehouse))
    load_market(filers, tape)
    filers.derive()
    return filers


def test_a_sector_with_whole_ladders_sums_to_the_truth(filers, tape):
    wall = filers.house.read(
        f"""
        select due_year, principal_usd, members, members_with_ladder, debt_coverage_pct,
            ladder_total_usd
        from published.refinancing_wall
        where sector = '{WHOLE_SECTOR}' and as_of_date = '{ON}' order by due_year
        """
    )
    companies = truth(tape, "companies_debt").filter(pl.col("sector") == WHOLE_SECTOR)
    ladders = truth(tape, "ladders").filter(
        pl.col("cik").is_in(companies["cik"].to_list()) & (pl.col("filed") < ON)
    )
    newest = (
        ladders.sort("period_end", "filed").group_by("cik").agg(pl.col("accession_number").last())
    )
    ladders = ladders.join(newest, on=["cik", "accession_number"])
    expected: dict[int, float] = defaultdict(float)
    for row in ladders.iter_rows(named=True):
        for year, part in spread_by_hand(
            row["amount_usd"], row["window_start"], row["window_end"]
        ).items():
            expected[year] += part
    found = dict(wall.select("due_year", "principal_usd").iter_rows())
    assert found.keys() == expected.keys()
    for year, amount in expected.items():
        # a cent per company and bucket, by rounding
        assert found[year] == pytest.approx(amount, abs=1.0), year
    assert sum(found.values()) == pytest.approx(ladders["amount_usd"].sum(), abs=0.005)
    assert wall["ladder_total_usd"][0] == ladders["amount_usd"].sum()
    assert set(wall["members"]) == {companies.height} == set(wall["members_with_ladder"])


def test_coverage_is_what_ladders_explain(filers, tape):
    row = filers.house.read(
        f"""
        select distinct members, members_with_debt, members_with_ladder,
            members_with_excluded_ladder, total_debt_usd, ladder_total_usd, debt_coverage_pct
        from published.refinancing_wall where sector = 'All' and as_of_date = '{ON}'
        """
    ).row(0, named=True)
    companies = members_of(tape)
    reports = newest_reports(tape, ON).filter(
        (pl.col("total_debt_usd") > 0) & pl.col("cik").is_in(companies["cik"].to_list())
    )
    assert row["members"] == companies.height
    assert row["members_with_debt"] == reports.height
    assert row["total_debt_usd"] == pytest.approx(reports["total_debt_usd"].sum(), abs=0.005)
    kinds = dict(companies.select("cik", "ladder").iter_rows())
    filed = truth(tape, "ladders").filter(pl.col("filed") < ON).drop_nulls("amount_filed_usd")
    newest = dict(filed.group_by("cik").agg(pl.col("period_end").max()).iter_rows())
    # a year and 90 days: one has not filed since
    fresh = [c for c in reports["cik"] if (ON - newest.get(c, date.min)).days <= 456]
    counted = [c for c in fresh if kinds[c] != "overstated"]
    assert row["members_with_ladder"] == len(counted)
    # one who put a figure in other units, and those who gave the tags up
    refused = [c for c in reports["cik"] if c in newest and c not in counted]
    assert row["members_with_excluded_ladder"] == len(refused) > 0
    assert 0 < row["debt_coverage_pct"] < 100
    assert row["ladder_total_usd"] < row["total_debt_usd"]


def test_companies_are_the_truths(filers, tape):
    """Debt, income, coverage and zombies of each report, known the day after it was filed."""
    found = filers.house.read(
        f"select * from published.company_refinancing where as_of_date = '{ON}'"
    )
    reports = newest_reports(tape, ON)
    companies = truth(tape, "companies_debt")
    both = found.join(reports, on="cik", suffix="_true").join(companies, on="cik", suffix="_of")
    assert both.height == reports.height
    compared = 0
    for row in both.iter_rows(named=True):
        assert row["period_end"] == row["period_end_true"]
        assert row["net_income_ttm_usd"] == pytest.approx(row["net_income_ttm_usd_true"], abs=0.5)
        assert row["cash_usd"] == pytest.approx(row["cash_usd_true"], abs=0.5)
        if not row["total_debt_usd_true"]:
            continue
        assert row["total_debt_usd"] == pytest.approx(row["total_debt_usd_true"], abs=0.5)
        if row["interest_tags_of"] == "paid_only":
            # what was paid is near what was owed, and is all that is known
            assert row["interest_tags"] == "InterestPaidNet"
            continue
        # some file it with a minus
        interest = abs(row["interest_expense_ttm_filed_usd"])
        assert row["interest_expense_ttm_usd"] == pytest.approx(interest, abs=0.5)
        if not row["is_financial"]:
            assert row["ebit_ttm_usd"] == pytest.approx(row["ebit_ttm_usd_true"], abs=0.5)
            assert row["is_zombie"] == row["is_zombie_true"]
            assert row["years_below_one"] == row["years_below_one_true"]
        compared += 1
    assert compared > 15
    assert both.filter(pl.col("is_zombie")).height > 0


def test_the_implied_share_is_near_the_true_one(filers, tape):
    """Off by 2 points on average; what was paid in cash, instead of owed, is worse."""
    found = filers.house.read(
        "select cik, implied_floating_share, interest_tags from published.company_refinancing"
        f" where as_of_date = '{ON}' and implied_floating_share is not null"
    ).join(members_of(tape), on="cik")
    sound = found.filter(pl.col("interest_tags") != "InterestPaidNet")
    error = (sound["implied_floating_share"] - sound["floating_share"]).abs()
    assert sound.height > 12
    assert error.mean() < 0.03
    assert error.max() < 0.1


def test_what_a_rise_costs_is_the_floating_debt(filers, tape):
    shocks = filers.house.read(
        f"select * from published.rate_shock where as_of_date = '{ON}' and sector = 'All'"
        " order by shock_bp"
    ).to_dicts()
    assert [row["shock_bp"] for row in shocks] == [-100, -25, 25, 100]
    companies = members_of(tape)
    reports = newest_reports(tape, ON).join(companies, on="cik").filter(~pl.col("is_financial"))
    floating = (reports["total_debt_usd"] * reports["floating_share"]).sum()
    rise = shocks[-1]
    assert rise["floating_share_coverage_pct"] > 90
    assert rise["interest_change_usd"] == pytest.approx(floating * 0.01, rel=0.1)
    # the bounds are for what is not known, not for the proxy's own error
    assert rise["interest_change_low_usd"] <= floating * 0.01 * 1.05
    assert rise["interest_change_high_usd"] >= floating * 0.01 * 0.95
    assert shocks[0]["interest_change_usd"] == pytest.approx(-rise["interest_change_usd"])
    assert rise["interest_coverage_after"] < rise["interest_coverage"]
    sectors = filers.house.read("select distinct sector from published.rate_shock")["sector"]
    assert "Financials" not in sectors.to_list()


def test_one_rebuild_gives_the_same(filers):
    before = filers.checksums()
    filers.rebuild()
    assert filers.checksums() == before


ROW = {"total_debt_usd": 100.0, "effective_rate": 0.04, "is_zombie": False}


def test_a_wall_by_hand():
    companies = [
        IndexCompany("Energy", ROW, {2025: 30_00, 2026: 70_00}),
        IndexCompany("Energy", ROW | {"effective_rate": None, "is_zombie": True}, {2026: 50_00}),
        IndexCompany("Utilities", ROW, None),
        IndexCompany(None, {}, None),
    ]
    first, second = wall_rows(companies, (0.08, "DBAA"))
    assert (first["principal_usd"], second["principal_usd"]) == (30, 120)
    assert (first["companies"], second["companies"]) == (1, 2)
    assert second["cumulative_share"] == 1.0
    assert second["principal_with_rate_usd"] == 70
    assert second["uplift_usd"] == pytest.approx(70 * 0.04)
    assert second["zombie_principal_usd"] == 50
    assert (first["members"], first["members_with_debt"], first["members_with_ladder"]) == (4, 3, 2)
    assert first["debt_coverage_pct"] == pytest.approx(50)
    groups = by_sector(companies)
    assert {name: len(group) for name, group in groups.items()} == {
        "All": 4,
        "Energy": 2,
        "Utilities": 1,
    }
    # nothing is said where nothing is known of the debt
    assert wall_rows([IndexCompany("Energy", {}, {2025: 1})], None) == []
    assert wall_rows(groups["Utilities"], None) == []


def test_a_ladder_explains_no_more_than_the_debt():
    companies = [IndexCompany("Energy", ROW, {2025: 130_00}), IndexCompany("Energy", ROW, None)]
    (row,) = wall_rows(companies, None)
    assert row["debt_coverage_pct"] == 50
    assert (row["market_rate"], row["uplift_usd"]) == (None, None)


def test_one_ladder_with_a_minus_stops_no_wall(house):
    """60 of 100 by 2023, 105 of 100 by 2024: refused, and counted as such."""
    filers = Filers(house)
    filers.load_tickers({"AAA": 1, "BBB": 2})
    lines = [("AAA", "Energy", 1.0), ("BBB", "Utilities", 1.0)]
    house.load_snapshot("R2000", date(2023, 1, 3), lines)
    house.load_prices([("AAA", date(2023, 4, 3), 10.0, 5)])
    debt = [fact("LongTermDebt", "2022-12-31", 100.0), fact("Assets", "2022-12-31", 500.0)]
    slip = ladder("2022-12-31", {"year_1": 60.0, "year_2": 45.0, "after_5": -5.0})
    sound = ladder("2022-12-31", {"year_1": 30.0, "year_2": 70.0})
    filers.load_all({1: [*debt, *slip], 2: [*debt, *sound]})
    filers.derive()
    wall = house.read(
        "select sector, due_year, principal_usd, cumulative_share, members_with_ladder,"
        " members_with_excluded_ladder, debt_coverage_pct"
        " from published.refinancing_wall where as_of_date = '2023-03-31' order by 1, 2"
    )
    assert wall.rows() == [
        ("All", 2023, 30.0, 0.3, 1, 1, 50.0),
        ("All", 2024, 70.0, 1.0, 1, 1, 50.0),
        ("Utilities", 2023, 30.0, 0.3, 1, 0, 100.0),
        ("Utilities", 2024, 70.0, 1.0, 1, 0, 100.0),
    ]


def test_company_and_wall_merge_the_filings_of_a_ladder_alike(house):
    """Of one the first year by another name, again; of the other a rest that covers no days."""
    filers = Filers(house)
    filers.load_tickers({"AAA": 1, "BBB": 2})
    lines = [("AAA", "Energy", 1.0), ("BBB", "Utilities", 1.0)]
    house.load_snapshot("R2000", date(2023, 1, 3), lines)
    house.load_prices([("AAA", date(2023, 4, 3), 10.0, 5)])
    debt = [fact("LongTermDebt", "2022-12-31", 100.0), fact("Assets", "2022-12-31", 500.0)]
    first = ladder("2022-12-31", {"remainder": 20.0, "year_2": 80.0})
    amended = {"filed": "2023-03-01", "form": "10-K/A"}
    named = ladder("2022-12-31", {"year_1": 20.0}, **amended)
    split = ladder("2022-12-31", {"remainder": 5.0, "year_1": 15.0}, **amended)
    filers.load_all({1: [*debt, *first, *named], 2: [*debt, *first, *split]})
    filers.derive()
    rows = house.read(
        "select cik, ladder_total_usd, due_12m_usd from published.company_refinancing"
        " where as_of_date = '2023-03-31' order by cik"
    )
    assert rows.rows() == [(1, 100.0, 20.0), (2, 100.0, None)]
    wall = house.read(
        "select due_year, principal_usd, members_with_ladder, members_with_excluded_ladder"
        " from published.refinancing_wall"
        " where sector = 'All' and as_of_date = '2023-03-31' order by 1"
    )
    assert wall.rows() == [(2023, 20.0, 1, 1), (2024, 80.0, 1, 1)]


def test_a_wall_and_a_shock_say_how_old_their_members_are(house):
    """The newest file is 40 days old; before the first one was known, it is that one."""
    filers = Filers(house)
    filers.load_tickers({"AAA": 1})
    for known in (date(2023, 1, 4), date(2023, 2, 20), date(2023, 4, 4)):
        house.load_snapshot("R2000", known, [("AAA", "Energy", 1.0)])
    house.load_prices([("AAA", date(2023, 4, 5), 10.0, 5)])
    facts = []
    for end in ("2021-12-31", "2022-12-31"):
        facts += [fact("LongTermDebt", end, 100.0), fact("Assets", end, 500.0)]
        facts += ladder(end, {"year_1": 30.0, "year_2": 70.0})
    filers.load_facts(1, facts)
    filers.derive()
    for table in ("refinancing_wall", "rate_shock"):
        rows = house.read(
            f"select distinct as_of_date, membership_as_of, is_backcast from published.{table}"
            " where as_of_date >= '2022-12-31' order by 1"
        )
        assert rows.rows() == [
            (date(2022, 12, 31), date(2023, 1, 3), True),
            (date(2023, 3, 31), date(2023, 2, 19), False),
        ]


def test_a_warehouse_without_filings_has_no_wall_and_no_error(house):
    house.load_snapshot("R2000", date(2023, 1, 3), [("AAA", "Energy", 1.0)])
    house.load_prices([("AAA", date(2024, 1, 2), 10.0, 5)])
    filers = Filers(house)
    filers.derive()
    filers.derive()
    assert filers.house.read("select * from published.refinancing_wall").is_empty()
    assert filers.house.read("select * from published.zombie_status").is_empty()
