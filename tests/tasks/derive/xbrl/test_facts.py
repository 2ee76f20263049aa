"""Which filing speaks: forms, recast statements, filings of the wrong scale."""

from datetime import date

import pytest

from tasks.derive.xbrl.facts import PointInTimeFacts
from tests.tasks.derive.filings import day, fact

INCOME, DEBT, ASSETS = "NetIncomeLoss", "LongTermDebt", "Assets"
LATER = date(2030, 1, 1)


def year(value: float, form: str, filed: str, end: str = "2022-12-31"):
    return fact(INCOME, end, value, start=f"{end[:4]}-01-01", form=form, filed=filed)


def known_income(*facts, end: str = "2022-12-31", by: date = LATER) -> float | None:
    known = PointInTimeFacts(facts)
    known.advance_to(by)
    spans = known.company.get(INCOME, {})
    found = spans.get(day(end), {}).get(day(f"{end[:4]}-01-01"))
    return None if found is None else found.value


@pytest.mark.parametrize(
    "form", ["DEF 14A", "DEFA14A", "DEFR14A", "DEFM14A", "PRE 14A", "PREM14A", "ARS", "SD", "11-K"]
)
def test_forms_that_never_speak(form):
    assert known_income(year(3511, form, "2023-04-16")) is None
    both = year(3_511_400_000, "10-K", "2023-02-17"), year(3511, form, "2023-04-16")
    assert known_income(*both) == 3_511_400_000


@pytest.mark.parametrize("form", ["8-K", "6-K", "S-1", "S-1/A", "S-4", "424B3", "10-12B/A"])
def test_other_forms_speak_where_no_report_has_the_period(form):
    earlier, later = year(90, form, "2023-01-10"), year(90, form, "2023-04-16")
    report = year(100, "10-K", "2023-02-17")
    assert known_income(earlier) == 90
    assert known_income(earlier, report, by=day("2023-01-31")) == 90
    assert known_income(earlier, report) == 100
    assert known_income(report, later) == 100
    # one that replaces nothing is no restatement
    known = PointInTimeFacts([earlier, report])
    known.advance_to(LATER)
    assert known.company[INCOME].restated == []


@pytest.mark.parametrize("form", ["10-K", "10-K/A", "10-KT", "20-F", "40-F"])
def test_newest_report_counts(form):
    assert known_income(year(100, "10-K", "2023-02-17"), year(90, form, "2023-04-16")) == 90


@pytest.mark.parametrize(
    ("equity", "assets", "expected"),
    [
        # a division sold since: the balance sheet is repeated, in thousands rather than dollars
        (40.001, 500.002, 90),
        # the statements of another company
        (7.0, 60.0, 100),
    ],
)
def test_current_report_counts_where_it_recasts_the_statements(equity, assets, expected):
    report = [
        year(100, "10-K", "2023-02-17"),
        fact("StockholdersEquity", "2022-12-31", 40, filed="2023-02-17"),
        fact(ASSETS, "2022-12-31", 500, filed="2023-02-17"),
    ]
    recast = [
        year(90, "8-K", "2023-06-16"),
        fact("StockholdersEquity", "2022-12-31", equity, form="8-K", filed="2023-06-16"),
        fact(ASSETS, "2022-12-31", assets, form="8-K", filed="2023-06-16"),
    ]
    assert known_income(*report, *recast) == expected


def annual(end: int, factor: float, form: str = "10-K", filed: str | None = None):
    """An annual report with its comparatives of the year before."""
    given = {"form": form, "filed": filed or f"{end + 1}-02-20"}
    return [
        each
        for past in (end, end - 1)
        for each in (
            fact(ASSETS, f"{past}-12-31", factor * (500 + past - 2015), **given),
            fact(DEBT, f"{past}-12-31", factor * (300 + past - 2015), **given),
            year(factor * (20 + past - 2015), form, given["filed"], f"{past}-12-31"),
        )
    ]


def test_report_of_the_wrong_scale_is_left_out():
    facts = [
        each for end in range(2015, 2020) for each in annual(end, 1000.0 if end == 2017 else 1.0)
    ]
    known = PointInTimeFacts(facts)
    debts = []
    for end in range(2015, 2020):
        known.advance_to(date(end + 1, 6, 30))
        newest = known.newest_instant("debt_long_term", LATER)
        debts.append((newest.end.year, newest.value))
    # in 2018 the report of 2016 remains the newest; the next one states 2017 once more
    assert debts == [(2015, 300), (2016, 301), (2016, 301), (2018, 303), (2019, 304)]
    assert known.latest_period_end() == date(2019, 12, 31)
    assert known.instant("debt_long_term", date(2017, 12, 31)).value == 302


def test_first_report_of_the_wrong_scale_is_forgotten_once_it_is_corrected():
    facts = [*annual(2015, 0.001), *annual(2015, 1.0, "10-K/A", "2016-06-01")]
    known = PointInTimeFacts(facts)
    known.advance_to(date(2016, 5, 31))
    assert known.newest_instant("debt_long_term", LATER).value == 0.3
    assert known.advance_to(date(2016, 6, 30))
    assert known.newest_instant("debt_long_term", LATER).value == 300
    assert known.company[DEBT].restated == []
    assert known.unbelieved == {facts[0].accession: -3}
