"""Facts as filed: each rule's bad row, and the real ones."""

import gzip
from datetime import UTC, datetime

import numpy as np
import orjson
import pandas as pd
import pytest

from expectations.calendars.edgar import first_session_after
from expectations.tables.company_fact import COLUMNS, CONTRACT, add_context, concepts
from tasks.validate.validate import validate

NOW = datetime(2024, 11, 1, 12, tzinfo=UTC)
DEBT, INTEREST = "LongTermDebt", "InterestExpense"
SHARE = "LongTermDebtPercentageBearingVariableInterestRate"
DATES = ("period_start", "period_end", "filed_date", "known_from")


def make_frame() -> pd.DataFrame:
    """A debt, a quarter's interest, its comparative of the year before, and a share."""
    rows = [
        (DEBT, "USD", "2024-06-29", "2024-06-29", 9.0e10),
        (INTEREST, "USD", "2024-03-31", "2024-06-29", 1.0e9),
        (INTEREST, "USD", "2023-04-02", "2023-07-01", 9.98e8),
        (SHARE, "pure", "2024-06-29", "2024-06-29", 0.25),
    ]
    frame = pd.DataFrame(rows, columns=["tag", "unit", "period_start", "period_end", "value"])
    frame = frame.assign(
        cik=320193, accession_number="0000320193-24-000081", fiscal_year=2024, fiscal_period="Q3",
        form="10-Q", filed_date="2024-08-02", known_from="2024-08-05",
    )  # fmt: skip
    for name in DATES:
        frame[name] = pd.to_datetime(frame[name])
    return add_context(frame[[column.name for column in COLUMNS]], NOW)


def put(frame: pd.DataFrame, row: int = 0, **values: object) -> pd.DataFrame:
    for column, value in values.items():
        frame.loc[row, column] = value
    return frame


def again(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.loc[[0]].assign(value=8.9e10)], ignore_index=True)


def thousandfold(frame: pd.DataFrame) -> pd.DataFrame:
    """The debt as a filing before stated it, a thousandth of it."""
    before = frame.loc[[0]].assign(
        value=9.0e7, accession_number="0000320193-24-000069",
        filed_date=pd.Timestamp("2024-07-26"), known_from=pd.Timestamp("2024-07-29"),
    )  # fmt: skip
    return pd.concat([frame, before], ignore_index=True)


BROKEN = {
    "concept_unlisted": lambda f: put(f, unit="EUR"),
    "period_start_missing": lambda f: put(f, period_start=pd.NaT),
    "period_end_missing": lambda f: put(f, period_end=pd.NaT),
    "filed_date_missing": lambda f: put(f, filed_date=pd.NaT),
    "known_from_missing": lambda f: put(f, known_from=pd.NaT),
    "form_missing": lambda f: put(f, form=None),
    "accession_malformed": lambda f: put(f, accession_number="0000320193-24-81"),
    "period_reversed": lambda f: put(f, 1, period_start=pd.Timestamp("2024-06-30")),
    "period_type_mismatch": lambda f: put(f, period_start=pd.Timestamp("2024-03-31")),
    "filed_before_end": lambda f: put(f, filed_date=pd.Timestamp("2024-06-28")),
    "filed_in_future": lambda f: put(f, filed_date=pd.Timestamp("2024-11-02")),
    "filed_before_edgar": lambda f: put(f, filed_date=pd.Timestamp("1924-08-02")),
    "period_too_old": lambda f: put(f, 1, period_start=pd.Timestamp("1924-03-31"),
                                    period_end=pd.Timestamp("1924-06-29")),
    "value_missing": lambda f: put(f, value=np.nan),
    "value_out_of_range": lambda f: put(f, value=9.0e16),
    "duplicate_fact": again,
    "period_long": lambda f: put(f, 1, period_start=pd.Timestamp("2019-03-31")),
    "amount_negative": lambda f: put(f, 1, value=-1.0e9),
    "form_not_financial": lambda f: put(f, form="DEF 14A"),
    "scale_contradicts_earlier_filings": thousandfold,
    "fraction_out_of_range": lambda f: put(f, 3, value=25.0),
}  # fmt: skip


def test_sound_facts_pass():
    validated = validate(CONTRACT, make_frame())
    assert validated.rule_results["success"].all()
    assert len(validated.valid_rows) == 4


@pytest.mark.parametrize("rule", CONTRACT.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_row(rule, assert_broken):
    assert_broken(CONTRACT, rule, BROKEN[rule.name](make_frame()))


def test_both_values_of_a_disputed_fact_are_set_aside():
    validated = validate(CONTRACT, again(make_frame()))
    assert len(validated.valid_rows) == 3
    assert validated.quarantine["rule"].to_list() == ["duplicate_fact"] * 2


def test_negative_interest_is_kept_as_filed():
    validated = validate(CONTRACT, put(make_frame(), 1, value=-1.0e9))
    assert validated.valid_rows["value"].to_list() == [9.0e10, -1.0e9, 9.98e8, 0.25]


def test_a_loss_is_no_negative_amount():
    frame = put(make_frame(), 1, tag="NetIncomeLoss", value=-1.0e9)
    assert validate(CONTRACT, frame).rule_results["success"].all()


def test_all_amounts_of_a_filing_of_the_wrong_scale_are_counted():
    checked = validate(CONTRACT, thousandfold(make_frame()))
    found = checked.rule_results.set_index("rule").loc["scale_contradicts_earlier_filings"]
    # the debt, two interests and the share, not the amount filed before
    assert found["unexpected"] == 4
    assert "thousand" in found["reason"]
    assert len(checked.valid_rows) == 5


def test_a_filing_can_be_used_from_the_next_session():
    days = pd.Series(
        pd.to_datetime(["2025-01-08", "2024-08-02", "2024-07-03", "2024-08-03", "2999-01-01", None])
    )
    # the exchange was closed on 2025-01-09 and on Independence Day
    found = first_session_after(days)
    assert found.dt.strftime("%Y-%m-%d").to_list()[:4] == [
        "2025-01-10", "2024-08-05", "2024-07-05", "2024-08-05",
    ]  # fmt: skip
    assert found.isna().to_list() == [False] * 4 + [True] * 2


def test_each_listed_concept_has_a_kind_of_period():
    assert set(concepts()["period"]) == {"instant", "duration"}
    assert concepts().index.is_unique


@pytest.mark.parametrize("cik", [320193, 1835632])
def test_a_real_company_breaks_no_rule(tapes, cik):
    file = tapes / "real-2024" / "companyfacts" / f"CIK{cik:010}.json.gz"
    taxonomies = orjson.loads(gzip.decompress(file.read_bytes()))["facts"]
    rows = [
        (cik, tag, unit, fact.get("start", fact["end"]), fact["end"], fact["accn"], fact["val"],
         fact["fy"], fact["fp"], fact["form"], fact["filed"])
        for taxonomy in ("us-gaap", "dei")
        for tag, body in taxonomies[taxonomy].items()
        for unit, facts in body["units"].items()
        if (tag, unit) in concepts().index
        for fact in facts
    ]  # fmt: skip
    names = [column.name for column in COLUMNS if column.name != "known_from"]
    frame = pd.DataFrame(rows, columns=names)
    for name in ("period_start", "period_end", "filed_date"):
        frame[name] = pd.to_datetime(frame[name])
    frame["known_from"] = first_session_after(frame["filed_date"])
    validated = validate(CONTRACT, add_context(frame, datetime(2027, 1, 1, tzinfo=UTC)))
    broken = validated.rule_results.loc[~validated.rule_results["success"], ["rule", "detail"]]
    # Marvell's proxy statement of 2026 states net income
    broken = broken[broken["rule"] != "form_not_financial"]
    assert broken.empty, broken.to_string()
    proxies = (frame["form"] == "DEF 14A").sum()
    found = validated.rule_results.set_index("rule").loc["form_not_financial", "unexpected"]
    assert found == proxies == (0 if cik == 320193 else 5)
    assert len(validated.valid_rows) == len(rows) > 1000
