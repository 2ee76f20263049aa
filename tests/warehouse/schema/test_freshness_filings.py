"""Filings are as fresh as the SEC's indexes that were read, and as what these named."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.audit_rows import note_fetch
from warehouse.connect.connections import connect
from warehouse.settings import Settings

Rows = list[tuple[Any, ...]]
DERIVED = (
    "company_refinancing",
    "debt_maturity",
    "rate_shock",
    "refinancing_wall",
    "zombie_status",
)


@pytest.fixture
def asked(settings: Settings, new_run: Callable[[Settings], int]) -> Callable[..., None]:
    """Notes days of the index, or of the list, as asked for."""
    run_id = new_run(settings)

    def note(dataset: str, *days: str, status: str = "loaded", reason: str | None = None) -> None:
        for day in days:
            note_fetch(settings, run_id, dataset, day, status, reason, day)

    return note


@pytest.fixture
def fact(settings: Settings, asked: Callable[..., None]) -> None:
    """One fact is held."""
    with connect(settings) as connection:
        connection.execute(
            "insert into core.company_fact (cik, tag, unit, period_start, period_end,"
            " accession_number, value, form, filed_date, known_from, loaded_at, run_id)"
            " select 11, 'Assets', 'USD', '2023-12-31', '2023-12-31', '0000000011-24-000001', 1,"
            " '10-K', '2024-02-20', '2024-02-21', now(), run_id from audit.run limit 1"
        )


@pytest.fixture
def freshness_at(settings: Settings, query: Callable[..., Rows]) -> Callable[[str, str], Rows]:
    """Newest day, due instant and lateness of a dataset at an instant (UTC)."""
    text = "select latest_date, next_due_at, is_late from published.freshness_at(%s)"
    text += " where dataset = %s"
    return lambda at, dataset: query(settings, text, (f"{at}+00", dataset))


DUE = datetime(2024, 5, 8, 12, 30, tzinfo=UTC)


def test_facts_are_due_on_the_morning_after_the_next_days_index(fact, asked, freshness_at) -> None:
    asked("filing_index", "2024-05-03", "2024-05-06")
    # Tuesday's index is read on Wednesday at 06:00
    assert freshness_at("2024-05-08 12:30", "company_fact") == [(date(2024, 5, 6), DUE, False)]
    assert freshness_at("2024-05-08 12:31", "company_fact") == [(date(2024, 5, 6), DUE, True)]


def test_a_day_that_was_not_read_holds_the_rest_up(fact, asked, freshness_at) -> None:
    asked("filing_index", "2024-05-06", "2024-05-08")
    asked("filing_index", "2024-05-07", status="outage", reason="http_503")
    assert freshness_at("2024-05-08 12:31", "company_fact") == [(date(2024, 5, 6), DUE, True)]
    # closed is an answer
    asked("filing_index", "2024-05-07", status="empty", reason="edgar_closed")
    assert freshness_at("2024-05-08 12:31", "company_fact")[0][::2] == (date(2024, 5, 8), False)


def test_a_day_is_read_when_its_index_came_or_never_will(settings, asked, query) -> None:
    asked("filing_index", "2024-05-06", "2024-05-07")
    # asked once more, as by a backfill of all: what was read stays read
    asked("filing_index", "2024-05-07", status="outage", reason="http_503")
    asked("filing_index", "2024-05-08", status="empty", reason="not_yet_published")
    asked("filing_index", "2024-05-09", status="empty", reason="never_published")
    asked("filing_index", "2024-05-10", status="empty", reason="not_yet_published")
    asked("filing_index", "2024-05-10", status="empty", reason="edgar_closed")
    asked("company_ticker", "2024-05-13")
    assert query(
        settings, "select day::text, is_read, status from audit.filing_index_day order by day"
    ) == [
        ("2024-05-06", True, "loaded"),
        ("2024-05-07", True, "outage"),
        ("2024-05-08", False, "empty"),
        ("2024-05-09", True, "empty"),
        ("2024-05-10", True, "empty"),
    ]


def test_a_report_that_was_named_and_not_asked_for_holds_the_rest_up(
    settings, fact, asked, freshness_at
) -> None:
    asked("filing_index", "2024-05-06", "2024-05-07", "2024-05-08")
    with connect(settings) as connection:
        connection.execute(
            "insert into audit.pending_filing (cik, accession_number, form, filed_date, run_id)"
            " select 11, '0000000011-24-000002', '10-Q', '2024-05-07', run_id from audit.run"
        )
    assert freshness_at("2024-05-08 12:31", "company_fact") == [(date(2024, 5, 6), DUE, True)]
    with connect(settings) as connection:
        # one that has no accounts at the SEC holds nothing up
        connection.execute("update audit.pending_filing set last_requested_on = '2024-05-09'")
    assert freshness_at("2024-05-08 12:31", "company_fact")[0][::2] == (date(2024, 5, 8), False)


def test_indexes_alone_are_no_facts(asked, freshness_at) -> None:
    asked("filing_index", "2024-05-06", "2024-05-07")
    assert freshness_at("2024-05-08 00:00", "company_fact") == [(None, None, True)]


def test_the_list_of_tickers_is_read_every_day(asked, freshness_at) -> None:
    asked("company_ticker", "2024-05-06")
    asked("company_ticker", "2024-05-07", status="outage", reason="http_503")
    assert freshness_at("2024-05-08 12:30", "company_ticker") == [(date(2024, 5, 6), DUE, False)]
    assert freshness_at("2024-05-08 12:31", "company_ticker") == [(date(2024, 5, 6), DUE, True)]


@pytest.mark.parametrize("table", DERIVED)
def test_what_is_derived_of_filings_is_judged_once_the_sec_is_asked(
    asked, freshness_at, table: str
) -> None:
    assert freshness_at("2024-05-08 00:00", table) == [(None, None, False)]
    asked("company_ticker", "2024-05-06")
    assert freshness_at("2024-05-08 00:00", table) == [(None, None, True)]
