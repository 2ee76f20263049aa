"""Total debt of the tags filed for one day, by the cases of `total_debt_cases.csv`."""

import csv
import re
from pathlib import Path

import pytest

from tasks.derive.debt.total_debt import total_debt
from tasks.derive.refinancing.zombie_definitions import debt_over_assets
from tasks.derive.xbrl.facts import PointInTimeFacts
from tests.tasks.derive.filings import day, fact

END = "2022-12-31"
L, N, C = "LongTermDebt", "LongTermDebtNoncurrent", "LongTermDebtCurrent"


def read_cases():
    """Yield each case with its line in the file; `filed` and `amended` list tag=USD@day."""
    path = Path(__file__).with_name("total_debt_cases.csv")
    with path.open(encoding="utf-8") as file:
        for line, case in enumerate(csv.DictReader(file), 2):
            yield pytest.param(case, id=f"line {line}: {case['note']}")


def facts_of(text, **given):
    facts = (re.split("[=@]", each) for each in text.split())
    return [fact(tag, *(on or [END]), float(value), **given) for tag, value, *on in facts]


@pytest.mark.parametrize("case", [*read_cases()])
def test_total_debt_of_filed_tags(case):
    filed = facts_of(case["filed"]) + facts_of(case["amended"], filed="2023-06-01")
    known = PointInTimeFacts(filed)
    known.advance_to(day("2023-12-31"))
    found = total_debt(known, day(END))
    if not case["total_debt"]:
        assert found is None
        return
    assert found.value == pytest.approx(float(case["total_debt"]))
    assert found.method == case["basis"]
    assert found.is_lower_bound is (case["is_lower_bound"] == "yes")
    assert case["confidence"] in (found.confidence.value, "")


def test_lines_of_another_day_do_not_count():
    known = PointInTimeFacts([fact(N, END, 90), fact(C, "2022-09-30", 10)])
    known.advance_to(day("2023-12-31"))
    assert total_debt(known, day(END)).method == "noncurrent only"


def test_excluded_tag_is_named_and_not_a_source():
    known = PointInTimeFacts([fact(L, END, 100), fact(N, END, 90), fact(C, END, 5_000)])
    known.advance_to(day("2023-12-31"))
    found = total_debt(known, day(END))
    assert found.method.endswith("; excluded as inconsistent: LongTermDebtCurrent")
    assert {each.tag for each in found.facts} == {L}


def test_reclassified_debt_stays_so_when_repeated():
    """10 of 100 was current, all of it by the amendment and in the next report."""
    report = [fact(N, END, 90), fact(C, END, 10)]
    later = [fact(C, END, 100, filed=filed) for filed in ("2023-06-01", "2023-08-09")]
    known = PointInTimeFacts([*report, *later])
    for on, owed in (("2023-03-31", 100), ("2023-06-30", 100), ("2023-09-30", 100)):
        known.advance_to(day(on))
        assert total_debt(known, day(END)).value == owed


def test_lower_bound_has_no_leverage():
    for filed, expected in (({L: 100}, 0.5), ({"NotesPayable": 70, "LoansPayable": 30}, None)):
        known = PointInTimeFacts(
            fact(tag, END, value) for tag, value in (filed | {"Assets": 200}).items()
        )
        known.advance_to(day("2023-12-31"))
        debt = total_debt(known, day(END))
        assert debt_over_assets(debt.value, debt.confidence.value, 200) == expected
