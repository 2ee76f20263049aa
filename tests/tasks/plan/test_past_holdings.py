"""Test which filings of a trust are due, given the stored snapshots."""

from datetime import date

import pandas as pd
import pytest

from tasks.plan.past_holdings import first_report_date, followed_series, is_due
from warehouse.settings import Settings

# 2023-12-31 is a Sunday: the report describes the closes of the Friday
REPORT = {
    "form": "NPORT-P",
    "report_date": pd.Timestamp("2023-12-31"),
    "known_from": pd.Timestamp("2024-02-28"),
}
AMENDMENT = REPORT | {"form": "NPORT-P/A", "known_from": pd.Timestamp("2024-03-15")}
STORED = (date(2023, 12, 29), date(2024, 2, 28), "nport")
AMENDED = (date(2023, 12, 29), date(2024, 3, 15), "nport")
FILE = (date(2023, 12, 29), date(2024, 1, 2), "ishares")


@pytest.mark.parametrize(
    ("filing", "stored", "expected"),
    [
        (REPORT, [], True),
        (REPORT, [STORED], False),
        (AMENDMENT, [STORED], True),
        # the report that was amended must not replace its amendment
        (REPORT, [AMENDED], False),
        (AMENDMENT, [AMENDED], False),
        # the fund's file of the day was known two months sooner
        (REPORT, [FILE], False),
        (REPORT, [(date(2024, 1, 31), date(2024, 2, 1), "ishares")], False),
        # the newest file says nothing of a day two years before
        (REPORT, [(date(2026, 2, 12), date(2026, 2, 13), "ishares")], True),
        (REPORT, [(date(2023, 9, 29), date(2023, 11, 28), "nport")], True),
        # a file that was known no later than the amendment, in any order of the stored ones
        (AMENDMENT, [STORED, (date(2024, 3, 14), date(2024, 3, 15), "ishares")], False),
        (AMENDMENT, [(date(2024, 3, 14), date(2024, 3, 15), "ishares"), STORED], False),
        (AMENDMENT, [STORED, (date(2024, 3, 15), date(2024, 3, 18), "ishares")], True),
    ],
)
def test_report_is_due(filing, stored, expected) -> None:
    assert is_due(filing, stored, refetch=False) is expected


def test_refetch_repeats_reports_and_leaves_files() -> None:
    assert is_due(REPORT, [STORED], refetch=True)
    assert not is_due(REPORT, [FILE], refetch=True)


def test_reports_begin_before_the_stored_history() -> None:
    assert first_report_date(Settings(history_start=date(2023, 1, 3))) == date(2022, 7, 3)
    assert first_report_date(Settings()) == date(2019, 9, 30)


def test_funds_without_a_series_are_left_out() -> None:
    assert {*followed_series(["IWM", "IJR"])[1100663]} == {"S000004344"}
