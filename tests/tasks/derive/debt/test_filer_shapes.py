"""Whole filers as the SEC serves them, from its reply to the row; amounts worked out by hand."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from tasks.derive.xbrl.facts import Fact
from tasks.extract.sec.parse import parse_facts, to_fact_frame
from tests.tasks.derive.filings import LADDER
from tests.tasks.derive.refinancing.test_company_refinancing import rows_of

CIK = 77
TOTAL, NONOPERATING = "InterestExpense", "InterestExpenseNonoperating"
N, C = "LongTermDebtNoncurrent", "LongTermDebtCurrent"

Values = Mapping[str, Sequence[tuple[str, float]]]


def report(form: str, filed: str, tags: Values) -> list[tuple[str, dict[str, Any]]]:
    """The facts of a filing; a period is `start/end`, an instant one day."""
    facts = []
    for tag, values in tags.items():
        for period, value in values:
            start, _, end = period.rpartition("/")
            said = {"end": end, "val": value, "form": form, "filed": filed, "fy": 2023, "fp": "FY"}
            said["accn"] = f"{CIK:010}-{filed[2:4]}-{filed[5:7]}{filed[8:]}00"
            facts.append((tag, said | ({"start": start} if start else {})))
    return facts


def rows(*reports: list[tuple[str, dict[str, Any]]], ends: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a filer with these reports."""
    tags: dict[str, Any] = {}
    for tag, said in (each for filed in reports for each in filed):
        tags.setdefault(tag, {"units": {"USD": []}})["units"]["USD"].append(said)
    frame = to_fact_frame([parse_facts(CIK, {"cik": CIK, "facts": {"us-gaap": tags}})])
    facts = [
        Fact(
            row.tag, row.period_start.date(), row.period_end.date(), row.value,
            row.accession_number, row.form, row.fiscal_period, row.filed_date.date(),
            row.known_from.date(),
        )
        for row in frame.itertuples()
    ]  # fmt: skip
    found = rows_of(facts, ends=[date.fromisoformat(end) for end in ends])
    return [found[date.fromisoformat(end)] for end in ends]


def test_a_year_to_june_with_interest_under_a_new_name():
    """Microsoft's: 2935 of the year, 582 and 525 of its first quarters, 1176 and 1434 of halves."""
    found = rows(
        report(
            "10-K",
            "2024-07-30",
            {
                "Assets": [("2024-06-30", 512163)],
                TOTAL: [("2023-07-01/2024-06-30", 2935)],
                N: [("2024-06-30", 42688), ("2023-06-30", 41990)],
                C: [("2024-06-30", 2249), ("2023-06-30", 5247)],
                "CommercialPaper": [("2024-06-30", 6693), ("2023-06-30", 0)],
            },
        ),
        report(
            "10-Q",
            "2024-10-30",
            {
                "Assets": [("2024-09-30", 523013)],
                NONOPERATING: [("2024-07-01/2024-09-30", 582), ("2023-07-01/2023-09-30", 525)],
                N: [("2024-09-30", 42868)],
                C: [("2024-09-30", 2249)],
            },
        ),
        report(
            "10-Q",
            "2025-01-29",
            {
                "Assets": [("2024-12-31", 533898)],
                NONOPERATING: [
                    ("2024-10-01/2024-12-31", 594),
                    ("2024-07-01/2024-12-31", 1176),
                    ("2023-07-01/2023-12-31", 1434),
                ],
                N: [("2024-12-31", 39722)],
                C: [("2024-12-31", 5248)],
            },
        ),
        ends=["2024-09-30", "2024-12-31", "2025-03-31"],
    )
    assert [row["interest_expense_ttm_usd"] for row in found] == [2935, 2992, 2677]
    assert [row["total_debt_usd"] for row in found] == [51630, 45117, 44970]
    # 2935 on the mean of 51630 and 47237
    assert found[0]["effective_rate"] == pytest.approx(0.0593727)


def test_a_note_of_later_assets_is_no_report():
    """Assets of a firm that was bought after the year's end, in the annual report."""
    (row,) = rows(
        report(
            "10-K",
            "2023-03-01",
            {
                "Assets": [("2022-12-31", 900), ("2023-02-15", 30)],
                "StockholdersEquity": [("2022-12-31", 300)],
                TOTAL: [("2022-01-01/2022-12-31", 40)],
                N: [("2022-12-31", 500)],
            },
        ),
        ends=["2023-03-31"],
    )
    assert row["period_end"] == date(2022, 12, 31)
    assert (row["total_debt_usd"], row["interest_expense_ttm_usd"]) == (500, 40)


def test_the_rest_of_the_year_and_the_fiscal_years_after_it():
    """To 31 March 2025: all of the rest, and 90 days' part of next year's 100."""
    names = ["InNextTwelveMonths", "InYearTwo", "InYearThree", "InYearFour"]
    last = ["InYearFive", "AfterYearFive"]
    annual = dict(zip([*names, *last], (50, 100, 150, 200, 400, 600), strict=True))
    rest = ["RemainderOfFiscalYear", *names, "AfterYearFive"]
    later = dict(zip(rest, (40, 100, 150, 200, 400, 600), strict=True))
    found = rows(
        *(
            report(
                form,
                filed,
                {
                    "Assets": [(end, 5000)],
                    "StockholdersEquity": [(end, 2000)],
                    N: [(end, 1440)],
                    C: [(end, 50)],
                    **{LADDER + name: [(end, amount)] for name, amount in amounts.items()},
                },
            )
            for form, filed, end, amounts in (
                ("10-K", "2024-02-20", "2023-12-31", annual),
                ("10-Q", "2024-05-08", "2024-03-31", later),
            )
        ),
        ends=["2024-03-31", "2024-06-30"],
    )
    assert [row["due_12m_usd"] for row in found] == [50, 40 + 24.65]
    assert [row["due_36m_usd"] for row in found] == [300, 290 + 49.31]
    assert [row["is_ladder_partial"] for row in found] == [False, True]
