"""What is odd about some of the simulated filers, read from their facts."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from deployments.sandbox.market.companies.universe import create_universe
from deployments.sandbox.market.filings.calendar import fiscal_periods, frame_of
from deployments.sandbox.market.filings.debtors import DEBT_TAGS, INTEREST_TAGS, draw_debtors
from tests.deployments.sandbox.market.filers import INTEREST, MATURITIES, bucket_of, read_filers

RATE = "LongTermDebtPercentageBearingVariableInterestRate"


@pytest.fixture(scope="module")
def filers(tape):
    return read_filers(tape.folder)


@pytest.fixture(scope="module")
def having(tape, filers):
    """The filers of which a column of the truth has a value."""
    table = tape.csv("truth_companies_debt")

    def have(column, value):
        ciks = table.filter(pl.col(column) == value)["cik"].to_list()
        assert ciks, f"no company has {value} for its {column}"
        return [filers[cik] for cik in ciks]

    return have


def _maturities(filer):
    """Facts of maturity tables by (form, end), each by bucket."""
    tables = {}
    for tag, facts in filer.facts.items():
        for fact in facts if MATURITIES in tag else ():
            tables.setdefault((fact["accn"], fact["form"], fact["end"]), {})[bucket_of(tag)] = fact
    return {(form, end): table for (_, form, end), table in sorted(tables.items())}


def test_the_smallest_tapes_have_one_of_each():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        debtors = draw_debtors(create_universe(18, 8, 1, rng), rng)
        assert {each.calendar for each in debtors} == {"december", "june", "52_53_weeks"}
        assert {each.event for each in debtors} == {"amended", "late", "plain"}
        assert {each.disclosure for each in debtors} >= {"share", ""}
        assert {each.debt_tags for each in debtors} == {*DEBT_TAGS, "with_leases"}
        assert {each.interest_tags for each in debtors} == set(INTEREST_TAGS)
        assert {each.ladder for each in debtors} >= {
            "fiscal", "none", "remainder", "rolling", "with_leases", "partial", "remainder_next",
            "stale",
        }  # fmt: skip
        assert {each.earnings for each in debtors} == {
            "healthy", "zombie", "unprofitable", "recovering",
        }  # fmt: skip
        assert not all(each.debt_usd for each in debtors)


def test_yearly_reports_alone_carry_most_ladders(having):
    for ladder in ("fiscal", "with_leases"):
        for filer in having("ladder", ladder):
            tables = _maturities(filer)
            assert {form for form, _ in tables} <= {"10-K", "10-K/A"}
            assert all(len(table) == 6 for table in tables.values())


def test_families_use_their_own_tags(having):
    for ladder, word in (("rolling", "Rolling"), ("with_leases", "AndCapitalLeaseObligations")):
        for filer in having("ladder", ladder):
            tags = [tag for tag in filer.facts if MATURITIES in tag]
            assert len(tags) == 6
            assert all(word in tag for tag in tags)


def test_a_remainder_shifts_the_years(having):
    for ladder, shifted in (
        ("remainder", ["after_5", "remainder", "year_2", "year_3", "year_4", "year_5"]),
        ("remainder_next", ["remainder", "year_1", "year_2", "year_3", "year_4"]),
    ):
        for filer in having("ladder", ladder):
            quarterly = [t for (form, _), t in _maturities(filer).items() if form == "10-Q"]
            assert quarterly
            assert all(sorted(table) == shifted for table in quarterly)


def test_some_file_no_ladder_at_all(having):
    assert not [filer for filer in having("ladder", "none") if _maturities(filer)]


def test_a_partial_ladder_lacks_what_is_due_late(tape, having):
    due = tape.csv("truth_ladders").filter(pl.col("bucket") == "after_5")
    for filer in having("ladder", "partial"):
        assert all("after_5" not in table for table in _maturities(filer).values())
        assert due.filter(pl.col("cik") == filer.cik)["amount_usd"].sum() > 0


def test_a_stale_ladder_stopped_years_ago(having):
    for filer in having("ladder", "stale"):
        newest = max(end for _, end in _maturities(filer))
        assert int(filer.filings["reportDate"][0][:4]) - int(newest[:4]) >= 3


def test_an_overstated_ladder_has_a_part_above_the_total(tape, having):
    reports = tape.csv("truth_refinancing")
    for filer in having("ladder", "overstated"):
        own = reports.filter(pl.col("cik") == filer.cik)
        total = dict(own.select("period_end", "total_debt_usd").iter_rows())
        for (_, end), table in _maturities(filer).items():
            assert table["year_2"]["val"] > total[date.fromisoformat(end)]


def test_one_sector_is_covered_whole(longer_tape):
    table = longer_tape.csv("truth_companies_debt")
    whole = table.group_by("sector").agg(pl.col("is_whole").all())
    assert whole.filter(pl.col("is_whole"))["sector"].to_list() == ["Utilities"]
    assert 0.3 < table["is_whole"].mean() < 0.9


def test_the_tag_of_interest_drifts_and_the_two_never_meet(having):
    drifting = [each for each in having("interest_tags", "drift") if INTEREST[0] in each.facts]
    assert drifting
    for filer in drifting:
        old, new = (filer.facts[tag] for tag in INTEREST[:2])
        assert max(fact["filed"] for fact in old) < min(fact["filed"] for fact in new)
        # the comparatives of the first reports after it carry the new tag
        assert {f["end"] for f in old} & {f["end"] for f in new}


def test_interest_may_be_negative_or_known_by_its_payment_alone(having):
    for filer in having("interest_tags", "negative"):
        assert all(fact["val"] < 0 for fact in filer.facts["InterestExpense"])
    for filer in having("interest_tags", "paid_only"):
        assert not set(INTEREST) & set(filer.facts)
        assert all(fact["val"] > 0 for fact in filer.facts["InterestPaidNet"])


def test_an_amendment_corrects_the_ladder_and_the_interest(tape, having):
    ladders = tape.csv("truth_ladders")
    for filer in having("event", "amended"):
        forms = dict(zip(filer.filings["form"], filer.filings["accessionNumber"], strict=True))
        amended = forms["10-K/A"]
        end = filer.facts["CashAndCashEquivalentsAtCarryingValue"]
        end = max(fact["end"] for fact in end if fact["accn"] == amended)
        tables = _maturities(filer)
        first, second = tables["10-K", end], tables["10-K/A", end]
        changed = [name for name in second if first[name]["val"] != second[name]["val"]]
        assert len(changed) == 1
        own = ladders.filter(pl.col("accession_number") == amended)
        filed = own.filter(pl.col("amount_filed_usd").is_not_null())
        if "overstated" not in tape.csv("truth_companies_debt").filter(cik=filer.cik)["ladder"]:
            assert (filed["amount_filed_usd"] == filed["amount_usd"]).all()
        for tag in set(INTEREST) & set(filer.facts):
            year = {
                fact["form"]: fact["val"]
                for fact in filer.facts[tag]
                if fact["end"] == end and fact["fp"] == "FY"
            }
            if year:
                assert abs(year["10-K"]) > 1.1 * abs(year["10-K/A"])


def test_a_late_filer_gives_notice(having):
    for filer in having("event", "late"):
        filed = list(zip(filer.filings["form"], filer.filings["filingDate"], strict=True))[::-1]
        at = [form for form, _ in filed].index("NT 10-K")
        notice, report = filed[at], filed[at + 1]
        assert report[0] == "10-K"
        wait = date.fromisoformat(report[1]) - date.fromisoformat(notice[1])
        assert wait.days > 60
        assert filed[at + 2][1] > report[1]


def test_few_disclose_the_floating_share_and_some_put_a_rate_there(tape, having):
    shares = dict(tape.csv("truth_companies_debt").select("cik", "floating_share").iter_rows())
    for disclosed in ("share", "rate"):
        for filer in having("disclosure", disclosed):
            variable = filer.facts["LongtermDebtPercentageBearingVariableInterestAmount"]
            fixed = filer.facts["LongtermDebtPercentageBearingFixedInterestAmount"]
            for at, fact in enumerate(filer.facts[RATE]):
                part = variable[at]["val"] / (variable[at]["val"] + fixed[at]["val"])
                assert part == pytest.approx(shares[filer.cik], abs=1e-3)
                assert (abs(part - fact["val"]) < 1e-3) == (disclosed == "share")
    with_rate = [each for each in having("disclosure", "") if RATE in each.facts]
    assert with_rate == []


def test_banks_and_some_others_tell_no_operating_income(having):
    for filer in having("income_tags", "pretax"):
        assert "OperatingIncomeLoss" not in filer.facts
    for filer in having("is_financial", True):
        debt = filer.facts["LongTermDebt"][-1]["val"]
        interest = max(fact["val"] for fact in filer.facts["InterestExpense"])
        assert interest > 0.1 * debt  # a cost of funds, above any rate on the debt itself


def test_fiscal_years_end_where_the_calendar_says():
    since, until = date(2014, 1, 1), date(2026, 1, 1)
    ends = {
        kind: [each.end for each in fiscal_periods(kind, since, until) if each.quarter == 4]
        for kind in ("december", "june", "52_53_weeks")
    }
    assert {(end.month, end.day) for end in ends["december"]} == {(12, 31)}
    assert {(end.month, end.day) for end in ends["june"]} == {(6, 30)}
    weeks = ends["52_53_weeks"]
    # as a filer with such a year really closed its books
    assert {date(2022, 1, 29), date(2023, 1, 28), date(2024, 2, 3), date(2025, 2, 1)} < set(weeks)
    lengths = {(after - before).days for before, after in pairwise(weeks)}
    assert lengths == {52 * 7, 53 * 7}


def test_periods_follow_each_other():
    for kind in ("december", "june", "52_53_weeks"):
        periods = fiscal_periods(kind, date(2014, 1, 1), date(2026, 1, 1))
        days = [(after.start - before.end).days for before, after in pairwise(periods)]
        assert set(days) == {1}
        assert [each.quarter for each in periods[:5]] == [1, 2, 3, 4, 1]
        assert periods[-1].end < date(2026, 1, 1)


@pytest.mark.parametrize(
    ("start", "end", "frame"),
    [
        (None, "2023-01-28", "CY2022Q4I"),
        (None, "2022-09-24", "CY2022Q3I"),
        ("2021-09-26", "2022-09-24", "CY2022"),
        ("2022-01-30", "2023-01-28", "CY2022"),
        ("2022-09-25", "2022-12-31", "CY2022Q4"),
        ("2023-04-30", "2023-07-29", "CY2023Q2"),
        ("2022-09-25", "2023-04-01", None),
    ],
)
def test_frames_are_named_as_the_sec_names_them(start, end, frame):
    begin = date.fromisoformat(start) if start else None
    assert frame_of(begin, date.fromisoformat(end)) == frame
