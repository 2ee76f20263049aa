"""Filings that are due: noted once, waited for, struck off when they come, given up in the end."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from tasks.extract.sec.extract import CompanyRequest
from tasks.load.pending_filings import (
    PendingFilingUpdate,
    read_pending_filings,
    reconcile_pending,
    update_pending_filings,
)
from tasks.plan.filings import plan_filing_index, plan_filings
from tests.audit_rows import new_run, note_fetch
from warehouse.connect.connections import adbc_connection
from warehouse.settings import Settings

FIRST, SECOND = "0000000011-24-000001", "0000000011-24-000002"
FILED = date(2024, 5, 7)
Query = Callable[..., list[tuple[Any, ...]]]


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def filings(*keys: tuple[int, str]) -> pd.DataFrame:
    frame = pd.DataFrame(keys, columns=["cik", "accession_number"])
    return frame.assign(form="10-Q", filed_date=pd.Timestamp(FILED))


def write(settings: Settings, dues: PendingFilingUpdate) -> None:
    with adbc_connection(settings) as connection:
        update_pending_filings(connection, 1, dues)
        connection.commit()


@pytest.fixture
def asked_before(settings: Settings) -> Settings:
    """Company 11 was asked for everything on the day before the filing."""
    run_id = new_run(settings)
    for dataset in ("company_fact", "company"):
        note_fetch(settings, run_id, dataset, "11", day="2024-05-06")
    return settings


def plan(settings: Settings, day: date) -> list[CompanyRequest]:
    return plan_filings.fn((), False, at(day), settings)


def test_a_company_is_asked_until_the_filing_has_come(asked_before: Settings) -> None:
    settings = asked_before
    assert plan(settings, FILED) == []
    write(settings, PendingFilingUpdate(FILED, filings((11, FIRST), (11, SECOND), (99, FIRST))))
    # company 99 is not followed
    assert read_pending_filings.fn([11, 99], settings)["cik"].to_list() == [11, 11]
    day = FILED + timedelta(days=1)
    assert plan(settings, day) == [CompanyRequest(11, True, False)]
    due = read_pending_filings.fn([11], settings)
    write(settings, reconcile_pending([11], filings((11, FIRST)), due, day))
    assert read_pending_filings.fn([11], settings)["accession_number"].to_list() == [SECOND]
    # the other was not in the reply: not again today, but tomorrow
    assert plan(settings, day) == []
    assert plan(settings, day + timedelta(days=1)) == [CompanyRequest(11, True, False)]


def test_a_failed_company_stays_due(asked_before: Settings) -> None:
    write(asked_before, PendingFilingUpdate(FILED, filings((11, FIRST))))
    due = read_pending_filings.fn([11], asked_before)
    write(asked_before, reconcile_pending([], filings(), due, FILED))
    assert plan(asked_before, FILED) == [CompanyRequest(11, True, False)]


def test_a_filing_without_facts_is_given_up_after_a_week(
    asked_before: Settings, query: Query
) -> None:
    write(asked_before, PendingFilingUpdate(FILED, filings((11, FIRST))))
    for days, left in ((7, 1), (8, 0)):
        day = FILED + timedelta(days=days)
        due = read_pending_filings.fn([11], asked_before)
        write(asked_before, reconcile_pending([11], filings(), due, day))
        assert query(asked_before, "select count(*) from audit.pending_filing") == [(left,)]


def test_who_the_company_is_is_asked_again_with_its_facts_after_half_a_year(
    asked_before: Settings,
) -> None:
    write(asked_before, PendingFilingUpdate(FILED, filings((11, FIRST))))
    day = date(2024, 5, 6) + timedelta(days=181)
    assert plan(asked_before, day) == [CompanyRequest(11, True, True)]


def test_where_nobody_is_followed_no_index_is_asked_for(settings: Settings) -> None:
    assert plan_filing_index.fn(at(FILED), settings) == []


def test_the_first_indexes_are_those_that_an_archive_may_lack(asked_before: Settings) -> None:
    # Friday, Monday: four days before the newest index on a Wednesday at noon
    assert plan_filing_index.fn(at(date(2024, 5, 8)), asked_before) == [
        date(2024, 5, 3), date(2024, 5, 6), date(2024, 5, 7),
    ]  # fmt: skip
