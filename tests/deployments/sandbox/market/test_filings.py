"""The simulated filings: the facts, read independently, tell the truth that was written down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import orjson
import polars as pl
import pytest

from deployments.sandbox.providers.messages import Request
from deployments.sandbox.providers.sec.routes import Sec
from deployments.sandbox.tape.tape import load_tape
from tests.deployments.sandbox.market.filers import (
    INTEREST,
    MATURITIES,
    PRETAX,
    bucket_of,
    day,
    read_filers,
    span,
    unpack,
)


@pytest.fixture(scope="module")
def filers(tape):
    return read_filers(tape.folder)


@pytest.fixture(scope="module")
def companies(tape):
    return {row["cik"]: row for row in tape.csv("truth_companies_debt").to_dicts()}


@pytest.fixture(scope="module")
def reports(tape):
    return tape.csv("truth_refinancing").to_dicts()


def test_every_company_files_those_that_left_too(tape, filers, companies):
    about = tape.csv("truth_companies")
    assert len(companies) == len(about) == len(filers)
    for row, company in zip(about.to_dicts(), companies.values(), strict=True):
        assert (company["ticker"], company["sector"]) == (row["ticker"], row["sector"])
        assert company["last_filed"] <= row["last_session"]
    assert about.filter(pl.col("ending") != "").height > 0


def test_ladders_add_up_to_the_long_term_debt(tape):
    ladders, reports = tape.csv("truth_ladders"), tape.csv("truth_refinancing")
    owed = ladders.group_by("accession_number").agg(pl.sum("amount_usd"))
    both = reports.join(owed, on="accession_number")
    assert len(both) > 100
    assert (both["total_debt_usd"] - both["short_term_usd"] == both["amount_usd"]).all()
    assert ladders.select("accession_number", "bucket").is_unique().all()
    # every yearly report of a company with debt has its row, whether it files a table or not
    yearly = reports.filter(pl.col("form").str.starts_with("10-K") & (pl.col("total_debt_usd") > 0))
    assert yearly.join(owed, on="accession_number", how="anti").is_empty()


def test_windows_follow_each_other_from_the_end_of_the_period(tape):
    ladders = tape.csv("truth_ladders")
    for (_,), rows in ladders.group_by("accession_number", maintain_order=True):
        table = rows.to_dicts()
        before = table[0]["period_end"]
        for row in table:
            assert row["window_start"] == before + timedelta(days=1)
            before = row["window_end"]
        assert [row["bucket"] for row in table if row["window_end"] is None] == ["after_5"]
        year = next(row for row in table if row["bucket"] != "remainder")
        assert 364 <= (year["window_end"] - year["window_start"]).days <= 365


def test_the_due_within_months_agrees_with_the_yearly_windows(tape):
    ladders, reports = tape.csv("truth_ladders"), tape.csv("truth_refinancing")
    first = pl.col("bucket").is_in(["year_1", "year_2", "year_3"])
    yearly = ladders.filter(first & pl.col("form").str.starts_with("10-K"))
    three = yearly.group_by("accession_number").agg(pl.sum("amount_usd"))
    both = reports.join(three, on="accession_number")
    assert (both["due_36m_usd"] == both["amount_usd"]).all()
    one = reports.join(yearly.filter(pl.col("bucket") == "year_1"), on="accession_number")
    assert (one["due_12m_usd"] == one["amount_usd"]).all()


def test_the_tables_are_filed_as_written_down_and_no_other(tape, filers):
    reported = {
        (cik, fact["accn"], bucket_of(tag), fact["end"], fact["val"])
        for cik, filer in filers.items()
        for tag, facts in filer.facts.items()
        if MATURITIES in tag
        for fact in facts
    }
    filed = tape.csv("truth_ladders").filter(pl.col("amount_filed_usd").is_not_null())
    columns = ("cik", "accession_number", "bucket", "period_end", "amount_filed_usd")
    assert reported == {
        (cik, accession, bucket, str(end), round(value))
        for cik, accession, bucket, end, value in filed.select(columns).iter_rows()
    }


def test_flows_over_four_quarters_can_be_read_from_the_reports(filers, reports):
    checked = missing = 0
    for report in reports:
        filer = filers[report["cik"]]
        for tags, column in (
            (INTEREST, "interest_expense_ttm_filed_usd"),
            (("NetIncomeLoss",), "net_income_ttm_usd"),
            ((PRETAX,), "pretax_ttm_usd"),
        ):
            read = filer.trailing(tags, report)
            if read is None and report[column] is not None:
                missing += 1  # the first reports, before a yearly one
            else:
                assert read == report[column], (report["accession_number"], column)
                checked += read is not None
    assert checked > 1000
    assert missing < 0.2 * checked


def _read_debt(reported, end, tags):
    """Total debt by the balance sheet's own words."""

    def at(tag):
        return next((fact["val"] for fact in reported.get(tag, []) if fact["end"] == end), 0)

    leased = "LongTermDebtAndCapitalLeaseObligations"
    return {
        "long_term_debt": lambda: at("LongTermDebt"),
        "excludes_current": lambda: at("LongTermDebt") + at("LongTermDebtCurrent"),
        "convertible": lambda: at("ConvertibleNotesPayable"),
        "with_leases": lambda: at(leased) + at(f"{leased}Current"),
        "split": lambda: at("LongTermDebtNoncurrent") + at("LongTermDebtCurrent"),
        "with_short": lambda: (
            at("LongTermDebtNoncurrent") + at("LongTermDebtCurrent") + at("ShortTermBorrowings")
        ),
    }[tags]()


def test_debt_and_cash_can_be_read_from_the_balance_sheets(filers, companies, reports):
    seen = set()
    for report in reports:
        reported = filers[report["cik"]].of(report["accession_number"])
        end, tags = str(report["period_end"]), companies[report["cik"]]["debt_tags"]
        assert _read_debt(reported, end, tags) == report["total_debt_usd"]
        cash = {
            fact["end"]: fact["val"] for fact in reported["CashAndCashEquivalentsAtCarryingValue"]
        }
        assert cash[end] == report["cash_usd"]
        assert len(cash) == 2  # with the end of the year before
        seen.add(tags)
    assert len(seen) == 6


def test_a_zombie_has_earned_less_than_its_interest_three_years_running(filers, companies, reports):
    last = {report["cik"]: report for report in reports}  # in the order of filing
    found = {True: 0, False: 0}
    for cik, report in last.items():
        company = companies[cik]
        assert report["is_zombie"] == company["is_zombie"]
        if company["is_financial"] or company["interest_tags"] in ("paid_only", "negative"):
            continue
        years = {}
        for fact in filers[cik].facts[PRETAX]:
            if span(fact) > 300:
                period = (fact["start"], fact["end"])
                read = [filers[cik].newest(tag, *period, str(report["filed"])) for tag in INTEREST]
                paid = next((value for value in read if value is not None), 0)
                years[fact["end"]] = paid > 0 and fact["val"] < 0
        running = 0
        for _, is_below in sorted(years.items(), reverse=True):
            if not is_below:
                break
            running += 1
        assert (running >= 3) == report["is_zombie"], cik
        assert running == min(report["years_below_one"], len(years))
        found[report["is_zombie"]] += 1
    assert min(found.values()) >= 2


def test_some_lose_money_without_being_zombies(tape):
    last = tape.csv("truth_refinancing").group_by("cik", maintain_order=True).last()
    losing = last.filter((pl.col("net_income_ttm_usd") < 0) & ~pl.col("is_zombie"))
    assert len(losing) >= 2
    assert losing["years_below_one"].max() >= 1


def test_the_mean_funds_rate_is_that_of_the_tape(tape, reports):
    rate = tape.parquet("observations").filter(pl.col("series_id") == "DFF")
    by_day = dict(rate.select("observation_date", "value").iter_rows())
    starts = {}
    for report in reports:
        starts.setdefault(report["cik"], {})[report["period_end"]] = report["mean_dff_pct"]
    checked = 0
    for means in starts.values():
        ends = sorted(means)
        for before, end in pairwise(ends):
            if (end - before).days > 100:
                continue
            days = [before + timedelta(days=at + 1) for at in range((end - before).days)]
            assert means[end] == pytest.approx(np.mean([by_day[each] for each in days]))
            checked += 1
    assert checked > 300


def test_the_floating_share_can_be_estimated_from_twelve_quarters(tape, companies):
    errors = []
    quarters = tape.csv("truth_refinancing").filter(pl.col("form") != "10-K/A")
    for (cik,), rows in quarters.group_by("cik"):
        company = companies[cik]
        rows = rows.sort("period_end").tail(13)
        if company["is_financial"] or not rows["total_debt_usd"].sum() or len(rows) < 13:
            continue
        debt = rows["total_debt_usd"].to_numpy()
        days = rows["period_end"].diff().dt.total_days().to_numpy()[1:]
        rate = rows["interest_expense_usd"].to_numpy()[1:] * 365 / days / (debt[1:] + debt[:-1]) * 2
        slope = np.polyfit(rows["mean_dff_pct"].to_numpy()[1:] / 100, rate, 1)[0]
        errors.append(abs(slope - company["floating_share"]))
    assert len(errors) >= 15
    assert np.median(errors) < 0.03
    assert max(errors) < 0.15


def test_reports_are_dated_as_reports_are(filers, companies, reports):
    by_accession = {report["accession_number"]: report for report in reports}
    for cik, filer in filers.items():
        for facts in filer.facts.values():
            for fact in facts:
                report = by_accession[fact["accn"]]
                part = "FY" if fact["form"] != "10-Q" else f"Q{report['fiscal_quarter']}"
                reported = (fact["filed"], fact["form"], fact["fy"], fact["fp"])
                year = report["fiscal_year"]
                assert reported == (str(report["filed"]), report["form"], year, part)
                assert fact.get("start", "") < fact["end"] < fact["filed"]
        filed = filer.filings["filingDate"]
        assert filed == sorted(filed, reverse=True)
        assert all(day(each).weekday() < 5 for each in filed)
        numbers = zip(filer.filings["accessionNumber"], filer.filings["form"], strict=True)
        kept = {number for number, form in numbers if not form.startswith("NT")}
        assert kept == {each for each, r in by_accession.items() if r["cik"] == cik}
        assert companies[cik]["last_filed"] == day(filed[0])


def test_a_fourth_quarter_is_never_told_by_itself(filers):
    lengths = {"10-K": set(), "10-Q": set()}
    for filer in filers.values():
        for facts in filer.facts.values():
            for fact in facts:
                if "start" in fact and fact["form"] in lengths:
                    lengths[fact["form"]].add(round(span(fact) / 91))
    assert lengths == {"10-K": {4}, "10-Q": {1, 2, 3}}
    paid = [f for each in filers.values() for f in each.facts.get("InterestPaidNet", [])]
    assert not [f for f in paid if f["fp"] in ("Q2", "Q3") and span(f) < 100]


def test_a_frame_is_on_the_fact_filed_last(filers):
    for filer in filers.values():
        for facts in filer.facts.values():
            newest = {}
            for fact in facts:
                newest[fact.get("start"), fact["end"]] = fact["accn"]
            for fact in facts:
                if "frame" in fact:
                    assert newest[fact.get("start"), fact["end"]] == fact["accn"]
    interest = filers[next(iter(filers))].facts["NetIncomeLoss"]
    assert {fact["frame"][:6] for fact in interest if "frame" in fact} >= {"CY2024", "CY2023"}


def test_symbols_pass_from_one_company_to_the_next(tape, companies):
    rows = list(unpack(tape.folder / "company_tickers.json.gz").values())
    assert {row["cik_str"] for row in rows} == set(companies)
    assert sum(row["ticker"].endswith("-PA") for row in rows) == 2
    listings = tape.csv("instruments").filter(pl.col("type") == "EQUITY")
    names = {(row["ticker"], row["name"]) for row in listings.to_dicts()}
    assert names <= {(row["ticker"], row["title"]) for row in rows}
    for session in tape.bars["session_date"].unique().to_list():
        today = str(session)
        listed = [
            row["ticker"]
            for row in rows
            if row.get("first_session", today) <= today <= row.get("last_session", today)
        ]
        assert len(listed) == len(set(listed))


def test_nothing_is_filed_after_the_tape(tape, filers):
    last = tape.bars["session_date"].max()
    newest = [date.fromisoformat(filer.filings["filingDate"][0]) for filer in filers.values()]
    assert max(newest) <= last


def test_the_sandbox_shows_an_amendment_from_its_day_on(tape, reports):
    amended = next(report for report in reports if report["form"] == "10-K/A")
    name, filed = f"CIK{amended['cik']:010d}.json", amended["filed"]
    sec = Sec(load_tape(tape.folder))

    def ask(host, path, when):
        headers = {"user-agent": "Sample Company research@example.com"}
        noon = datetime(when.year, when.month, when.day, 17, tzinfo=UTC)
        return sec.handle(Request("GET", host, path, headers=headers), noon).body

    for today in (filed - timedelta(days=1), filed):
        content = orjson.loads(ask("data.sec.gov", f"/api/xbrl/companyfacts/{name}", today))
        accessions = {
            fact["accn"]
            for tags in content["facts"].values()
            for about in tags.values()
            for facts in about["units"].values()
            for fact in facts
        }
        assert (amended["accession_number"] in accessions) == (today == filed)
        recent = orjson.loads(ask("data.sec.gov", f"/submissions/{name}", today))
        forms = recent["filings"]["recent"]["form"]
        assert ("10-K/A" in forms) == (today == filed)
        assert recent["tickers"][0] == amended["ticker"]
        assert len(recent["sic"]) == 4
    quarter = f"{filed.year}/QTR{(filed.month + 2) // 3}"
    index = f"/Archives/edgar/daily-index/{quarter}/form.{filed:%Y%m%d}.idx"
    listed = ask("www.sec.gov", index, filed + timedelta(days=1)).decode()
    assert f"edgar/data/{amended['cik']}/{amended['accession_number']}.txt" in listed
