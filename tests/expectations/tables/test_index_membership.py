"""Members: each rule's bad row or file, and the real files."""

import re

import pandas as pd
import pytest

from expectations.tables.index_membership import CONTRACT, SECTORS, add_context, valid_member_rows
from tasks.extract.ishares.parse_file import parse_holdings
from tasks.validate.validate import Refused, validate
from tests.expectations.conftest import with_value

MEMBERS = 500


def make_frame(members: int = MEMBERS, previous: int | None = MEMBERS) -> pd.DataFrame:
    """A snapshot of the S&P 500 with equal weights."""
    letters = [chr(65 + n // 26) + chr(65 + n % 26) for n in range(members)]
    frame = pd.DataFrame(
        {
            "index_code": "SP500",
            "ticker": letters,
            "as_of_date": pd.Timestamp("2024-06-28"),
            "name": [f"COMPANY {n}" for n in letters],
            "sector": [SECTORS[n % len(SECTORS)] for n in range(members)],
            "weight_pct": 100 / members,
            "weight_pct_filed": 99.7 / members,
            "shares": 1000.0,
            "market_value_usd": 50_000.0,
            "price_usd": 50.0,
            "exchange": "NYSE",
            "cusip": None,
            "isin": None,
            "lei": None,
            "fund": "IVV",
            "known_from": pd.Timestamp("2024-07-01"),
            "source": "ishares",
        }
    )
    return add_context(frame, previous)


BROKEN = {
    "weights_do_not_sum": lambda f: with_value(f, "weight_pct", 1.0),
    "filed_weights_do_not_sum": lambda f: f.assign(weight_pct_filed=f["weight_pct_filed"] * 0.9),
    "member_count_dropped": lambda f: f.assign(previous_members=700.0),
    "ticker_malformed": lambda f: with_value(f, "ticker", "BRK.B"),
    "market_value_not_positive": lambda f: with_value(f, "market_value_usd", 0.0),
    "market_value_missing": lambda f: with_value(f, "market_value_usd", float("nan")),
    "duplicate_member": lambda f: with_value(f, "ticker", "AB"),
    "known_from_before_as_of_date": lambda f: with_value(
        f, "known_from", pd.Timestamp("2024-06-28")
    ),
    "sector_unknown": lambda f: with_value(f, "sector", "Communication Services"),
    "member_count_unusual": lambda f: make_frame(members=480, previous=None),
}


@pytest.mark.parametrize("previous", [None, MEMBERS, 620])
def test_sound_snapshot_passes(previous):
    validated = validate(CONTRACT, make_frame(previous=previous))
    assert validated.rule_results["success"].all()
    assert len(validated.valid_rows) == MEMBERS


def weighed(frame: pd.DataFrame) -> pd.DataFrame:
    """With weights over the rows that no rule sets aside, all of one value."""
    stand = valid_member_rows(frame)
    return frame.assign(weight_pct=(100 / max(stand.sum(), 1)) * stand.where(stand))


@pytest.mark.parametrize("rule", CONTRACT.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_row(rule, assert_broken):
    frame = BROKEN[rule.name](make_frame())
    assert_broken(CONTRACT, rule, frame if rule.name == "weights_do_not_sum" else weighed(frame))


@pytest.mark.parametrize(
    "rule", [rule.name for rule in CONTRACT.rules if rule.action == "quarantine"]
)
def test_the_rows_that_stand_are_those_that_no_rule_sets_aside(rule):
    frame = BROKEN[rule](make_frame())
    assert validate(CONTRACT, weighed(frame)).valid_rows["weight_pct"].sum() == pytest.approx(100)
    refused = validate(CONTRACT, frame)
    assert isinstance(refused, Refused)
    assert "weights_do_not_sum" in refused.message


def test_a_repeated_line_takes_no_weight(tapes):
    fund = {"fund": "IWM", "index_code": "R2000"}
    content = (tapes / "real-2024" / "holdings" / "IWM" / "2023-11-17.csv").read_text("utf-8-sig")
    whole = parse_holdings(content, fund).members
    head, line, rest = content.partition(
        next(x for x in content.split("\n") if x.startswith('"BE"'))
    )
    twice = parse_holdings(f"{head}{line}\n{line}{rest}", fund).members
    assert len(twice) == len(whole) + 1
    validated = validate(CONTRACT, add_context(twice, None))
    assert validated.valid_rows["weight_pct"].to_list() == whole["weight_pct"].to_list()
    assert validated.valid_rows["weight_pct"].max() == pytest.approx(1.1782, abs=5e-5)
    assert set(validated.quarantine["rule"]) == {"duplicate_member"}


def test_snapshots_of_several_days_are_judged_one_by_one():
    later = make_frame().assign(
        as_of_date=pd.Timestamp("2024-07-31"), known_from=pd.Timestamp("2024-08-01")
    )
    both = pd.concat([make_frame(), later], ignore_index=True)
    assert validate(CONTRACT, both).rule_results["success"].all()


def test_quarantined_rows_are_no_members_of_the_snapshot():
    """A fifth of the rows has no value: as little of the index as if the rows were missing."""
    frame = make_frame()
    frame.loc[: MEMBERS // 5, "market_value_usd"] = float("nan")
    frame["weight_pct"] = 100 / (MEMBERS - MEMBERS // 5 - 1)
    refused = validate(CONTRACT, frame)
    assert isinstance(refused, Refused)
    broken = refused.rule_results.query("action == 'stop' and not success")["rule"]
    # the lines still belong to the file, whose filed weights are whole
    assert {*broken} == {"member_count_dropped"}


def test_a_collapse_says_what_to_do():
    refused = validate(CONTRACT, make_frame(previous=700))
    assert isinstance(refused, Refused)
    assert re.search(r"previous snapshot.*expectations/tables/index_membership", refused.message)


@pytest.mark.parametrize(
    ("members", "previous", "is_live", "is_unusual"),
    [
        (480, None, True, True),
        # a simulated fund of any size
        (480, None, False, False),
        # a slow drift: each step is small
        (480, 481, True, True),
        (480, 481, False, False),
        (MEMBERS, 390, True, True),
        (MEMBERS, 390, False, True),
    ],
)
def test_member_count_is_compared_with_the_previous_one_and_if_live_with_the_funds_band(
    members, previous, is_live, is_unusual
):
    frame = make_frame(members=members, previous=previous).assign(is_live=is_live)
    results = validate(CONTRACT, frame).rule_results.set_index("rule")["success"]
    assert results["member_count_unusual"] == (not is_unusual)


@pytest.mark.parametrize(("fund", "index_code"), [("IWM", "R2000"), ("IVV", "SP500")])
def test_real_files_break_no_rule(tapes, fund, index_code):
    content = (tapes / "real-2024" / "holdings" / fund / "2023-11-17.csv").read_bytes()
    members = parse_holdings(content, {"fund": fund, "index_code": index_code}).members
    validated = validate(CONTRACT, add_context(members, None))
    assert validated.rule_results["success"].all()
    assert len(validated.valid_rows) == len(members)


def test_the_cash_behind_swaps_counts_to_the_filed_weights():
    # a small-cap fund with 7.7 percent of its value in swaps, which have no market value
    frame = make_frame().assign(weight_pct_filed=92.3 / MEMBERS)
    rule = "filed_weights_do_not_sum"
    results = validate(CONTRACT, frame).rule_results.set_index("rule")["success"]
    assert not results[rule]
    results = validate(CONTRACT, frame.assign(excluded_weight_pct=7.7)).rule_results
    assert results.set_index("rule")["success"][rule]
