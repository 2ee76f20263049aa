"""The tables of ways against the document that explains them and against their invariants."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.derive.debt.components import TOLERANCE
from tasks.derive.debt.debt import Confidence
from tasks.derive.debt.total_debt import total_debt
from tasks.derive.debt.ways import INSTRUMENT_WAYS, LINE_WAYS, NONCURRENT_INSTRUMENT_WAYS
from tasks.derive.xbrl.concepts import concepts, kinds, lease_tags, tags_of_kind
from tasks.derive.xbrl.facts import PointInTimeFacts
from tests.tasks.derive.filings import day, fact
from tests.test_project import ROOT

WAYS = (*LINE_WAYS, *NONCURRENT_INSTRUMENT_WAYS, *INSTRUMENT_WAYS)
END, ON = "2022-12-31", date(2023, 6, 30)
DEBT_TAGS = [tag for name, tags in concepts().items() if name.startswith("debt_") for tag in tags]
LIMITS = ["Liabilities", "Assets", "StockholdersEquity"]
FIRST = "LongTermDebtMaturitiesRepaymentsOfPrincipalIn"
FACTS = st.lists(
    st.builds(
        lambda tag, amount, filed: fact(tag, END, amount, filed=filed.isoformat()),
        st.sampled_from([*DEBT_TAGS[:13], *DEBT_TAGS, *LIMITS, *LIMITS]),
        # few amounts, so that sums and repetitions between tags are frequent
        st.sampled_from([0.0, 5.0, 10.0, 50.0, 90.0, 100.0, 110.0, 150.0, 5_000.0]),
        st.dates(day("2023-01-15"), day("2023-12-31")),
    ),
    max_size=8,
    unique_by=lambda each: (each.tag, each.filed),
)
# long-term debt beside a current line, which earlier balance sheets and schedules explain
EARLIER = st.lists(
    st.builds(
        lambda tag, end, amount, days: fact(
            tag, end, amount, filed=(day(end) + timedelta(days=days)).isoformat()
        ),
        st.sampled_from(
            [
                "LongTermDebt",
                "LongTermDebtNoncurrent",
                "DebtCurrent",
                "LongTermDebtCurrent",
                "ConvertibleDebtCurrent",
                FIRST + "NextTwelveMonths",
                FIRST + "YearTwo",
                FIRST.removesuffix("In") + "AfterYearFive",
            ]
        ),
        st.sampled_from(["2021-12-31", "2022-09-30", END]),
        st.sampled_from([5.0, 10.0, 50.0, 90.0, 100.0, 110.0, 150.0]),
        st.integers(20, 400),
    ),
    max_size=14,
    unique_by=lambda each: (each.tag, each.end, each.filed),
)


def debt_on(facts, on):
    known = PointInTimeFacts(facts)
    known.advance_to(on)
    return total_debt(known, day(END))


def summary(debt):
    """Everything a reader sees of a total; the order of its filings is no part of it."""
    return debt and (debt.value, debt.method, debt.confidence, debt.accessions)


def test_document_lists_the_ways_in_their_order():
    text = (ROOT / "docs" / "methodology.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `([^`]+)` \|", text, re.MULTILINE)
    assert rows == [(str(number), way.basis) for number, way in enumerate(WAYS, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "excluded as inconsistent: ",
        "+ notes beside it",
        "notes that are more than the total",
        "`long-term debt, gross`",
        "`current notes`",
        "`notes to related parties`",
        *(f"| `{each.value}` |" for each in Confidence),
    ],
)
def test_document_explains_other_texts_of_the_basis(text):
    assert text in (ROOT / "docs" / "methodology.md").read_text(encoding="utf-8")


def test_interest_is_split_into_two_parts():
    assert len(tags_of_kind("interest_expense", "part")) == 2
    assert set(kinds().values()) == {
        *(
            "",
            "secured",
            "unsecured",
            "loan",
            "note",
            "plain_note",
            "part",
            "statement_line",
            "cover_page",
        )
    }


@given(FACTS, st.randoms(use_true_random=False))
def test_order_of_facts_changes_nothing(facts, random):
    shuffled = random.sample(facts, len(facts))
    assert summary(debt_on(facts, date.max)) == summary(debt_on(shuffled, date.max))


@given(FACTS)
def test_facts_filed_later_change_nothing(facts):
    by_then = [each for each in facts if each.filed < ON]
    later = [each for each in facts if each.filed >= ON]
    assert summary(debt_on(facts, ON)) == summary(debt_on(by_then, ON))
    # those of another day change nothing either
    others = [fact(each.tag, "2022-09-30", each.value) for each in later]
    assert summary(debt_on([*by_then, *others], ON)) == summary(debt_on(by_then, ON))


@given(FACTS)
def test_total_is_never_below_a_part(facts):
    found = debt_on(facts, date.max)
    parts = [] if found is None else [each.value for each in found.facts]
    assert all(part <= found.value * (1 + TOLERANCE) for part in parts)


def newest_values(facts):
    return {each.tag: each.value for each in sorted(facts, key=lambda x: (x.filed, x.accession))}


def liabilities_of(newest):
    if "Liabilities" in newest:
        return newest["Liabilities"]
    if {"Assets", "StockholdersEquity"} <= newest.keys():
        return newest["Assets"] - newest["StockholdersEquity"]
    return None


@given(FACTS)
def test_total_is_never_above_liabilities(facts):
    found, limit = debt_on(facts, date.max), liabilities_of(newest_values(facts))
    assert found is None or limit is None or found.value <= limit


@given(FACTS)
def test_zero_beside_debt_is_a_lower_bound(facts):
    """Unless that is leases, or above liabilities: a limit, or an error in the units."""
    found = debt_on(facts, date.max)
    if found is not None and found.value == 0:
        newest = newest_values(facts)
        limit = liabilities_of(newest)
        beside = [
            newest[tag]
            for tag in (newest.keys() & {*DEBT_TAGS}) - lease_tags()
            if newest[tag] > 0 and (limit is None or newest[tag] <= limit)
        ]
        assert not beside or found.confidence is Confidence.LOWER_BOUND


@given(EARLIER, st.lists(st.dates(date(2022, 1, 1), date(2024, 6, 1)), max_size=6))
def test_totals_known_day_by_day_equal_those_known_at_once(facts, days):
    """A total of one day may rest on facts of another: no stale one is served."""
    step_by_step = PointInTimeFacts(facts)
    for on in sorted(days):
        step_by_step.advance_to(on)
        at_once = debt_on([each for each in facts if each.known_from <= on], on)
        assert summary(total_debt(step_by_step, day(END))) == summary(at_once)


@given(EARLIER, st.randoms(use_true_random=False))
def test_earlier_days_do_not_depend_on_the_order_of_facts(facts, random):
    shuffled = random.sample(facts, len(facts))
    assert summary(debt_on(facts, date.max)) == summary(debt_on(shuffled, date.max))


def test_facts_of_the_last_day_known_count():
    filed = fact("LongTermDebt", END, 100.0, filed="2023-06-29")
    assert debt_on([filed], ON).value == 100
    assert debt_on([filed], ON - timedelta(days=1)) is None
