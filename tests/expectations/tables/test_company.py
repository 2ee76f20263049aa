"""Companies: each rule's bad row."""

import pandas as pd
import pytest

from expectations.tables.company import CONTRACT
from tasks.validate.validate import validate
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    rows = [
        (320193, "Apple Inc.", "3571", "Electronic Computers", "0926", "1994-01-26"),
        (1835632, "Marvell Technology, Inc.", None, None, None, None),
    ]
    frame = pd.DataFrame(rows, columns=[*CONTRACT.column_names])
    return frame.assign(first_filed_date=pd.to_datetime(frame["first_filed_date"]))


BROKEN = {
    "name_missing": lambda f: with_value(f, "name", None),
    "cik_implausible": lambda f: with_value(f, "cik", 0),
    "sic_malformed": lambda f: with_value(f, "sic", "357"),
    "fiscal_year_end_malformed": lambda f: with_value(f, "fiscal_year_end", "1301"),
    "first_filed_before_edgar": lambda f: with_value(
        f, "first_filed_date", pd.Timestamp("1924-01-26")
    ),
    "duplicate_company": lambda f: pd.concat([f, f.loc[[0]]], ignore_index=True),
}


def test_sound_companies_pass():
    validated = validate(CONTRACT, make_frame())
    assert validated.rule_results["success"].all()
    assert len(validated.valid_rows) == 2


@pytest.mark.parametrize("rule", CONTRACT.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_row(rule, assert_broken):
    assert_broken(CONTRACT, rule, BROKEN[rule.name](make_frame()))


@pytest.mark.parametrize("column", ["sic", "fiscal_year_end"])
def test_a_value_that_is_none_is_unknown_and_the_company_stays(column):
    good = validate(CONTRACT, with_value(make_frame(), column, "none")).valid_rows
    assert good["cik"].to_list() == [320193, 1835632]
    assert good[column].isna().all()
