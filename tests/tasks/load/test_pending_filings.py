"""Pending filings: discovered once, requested until loaded, dropped after a week."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from tasks.extract.sec.extract import CompanyRequest
from tasks.load.pending_filings import (
    PendingFilingUpdate,
    reconcile_pending,
    update_pending_filings,
)
from tasks.plan.filings import plan_filing_index, plan_filings, read_pending_filings
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


def write(settings: Settings, update: PendingFilingUpdate) -> None:
    with adbc_connection(settings) as connection:
        update_pending_filings(connection, 1, update)
        connection.commit()


@pytest.fixture
def fetched_before(settings: Settings) -> Settings:
    """Company 11 was fetched completely on the day before the filing."""
    run_id = new_run(settings)
    for dataset in ("company_fact", "company"):
        note_fetch(settings, run_id, dataset, "11", day="2024-05-06")
    return settings


def plan(settings: Settings, day: date) -> list[CompanyRequest]:
    return list(plan_filings.fn((), False, at(day), settings).requests)


def pending(settings: Settings, *ciks: int) -> pd.DataFrame:
    requests = [CompanyRequest(cik) for cik in ciks]
    return read_pending_filings(requests, settings)


def test_a_company_is_requested_until_its_filing_is_loaded(fetched_before: Settings) -> None:
    settings = fetched_before
    assert plan(settings, FILED) == []
    write(settings, PendingFilingUpdate(FILED, filings((11, FIRST), (11, SECOND), (99, FIRST))))
    # company 99 is not tracked
    assert pending(settings, 11, 99)["cik"].to_list() == [11, 11]
    day = FILED + timedelta(days=1)
    assert plan(settings, day) == [CompanyRequest(11, True, False)]
    due = pending(settings, 11)
    write(settings, reconcile_pending([11], filings((11, FIRST)), due, day))
    assert pending(settings, 11)["accession_number"].to_list() == [SECOND]
    # the other was not in the reply: requested again tomorrow, not today
    assert plan(settings, day) == []
    assert plan(settings, day + timedelta(days=1)) == [CompanyRequest(11, True, False)]


def test_a_failed_company_stays_pending(fetched_before: Settings) -> None:
    write(fetched_before, PendingFilingUpdate(FILED, filings((11, FIRST))))
    due = pending(fetched_before, 11)
    write(fetched_before, reconcile_pending([], filings(), due, FILED))
    assert plan(fetched_before, FILED) == [CompanyRequest(11, True, False)]


def test_a_filing_without_facts_is_dropped_after_a_week(
    fetched_before: Settings, query: Query
) -> None:
    write(fetched_before, PendingFilingUpdate(FILED, filings((11, FIRST))))
    for days, left in ((7, 1), (8, 0)):
        day = FILED + timedelta(days=days)
        due = pending(fetched_before, 11)
        write(fetched_before, reconcile_pending([11], filings(), due, day))
        assert query(fetched_before, "select count(*) from audit.pending_filing") == [(left,)]
    named = "select cik, accession_number, form from audit.filing_without_facts"
    assert query(fetched_before, named) == [(11, FIRST, "10-Q")]


def test_a_profile_is_requested_again_with_facts_after_half_a_year(
    fetched_before: Settings,
) -> None:
    write(fetched_before, PendingFilingUpdate(FILED, filings((11, FIRST))))
    day = date(2024, 5, 6) + timedelta(days=181)
    assert plan(fetched_before, day) == [CompanyRequest(11, True, True)]


def test_no_index_is_requested_while_no_company_is_tracked(settings: Settings) -> None:
    assert plan_filing_index.fn(at(FILED), settings) == []


def test_the_first_index_days_are_those_that_the_bulk_file_may_lack(
    fetched_before: Settings,
) -> None:
    # Friday, Monday: four days before the newest index on a Wednesday at noon
    assert plan_filing_index.fn(at(date(2024, 5, 8)), fetched_before) == [
        date(2024, 5, 3), date(2024, 5, 6), date(2024, 5, 7),
    ]  # fmt: skip
