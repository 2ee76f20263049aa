"""Macro releases, filing indexes and filings that are expected, against those that are stored."""

import psycopg
import pytest

from warehouse.connect.connections import connect
from warehouse.connect.dsn import warehouse_dsn

COVERED = """
select session_date::text, expected, loaded, missing from published.coverage
where dataset = %s order by 1
"""
GAPS = """
select session_date::text, item, missing_reason, detail from published.coverage_gap
where dataset = %s order by 1, 2
"""
FETCH = """
insert into audit.fetch (run_id, source, dataset, item, window_start, window_end, status, reason,
    detail, rows, attempts, started_at, finished_at)
values (%run, 'test', %s, %s, %s, %s, %s, %s, '', 0, 1, %s::timestamptz, %s::timestamptz)
"""
OBSERVATION = """
insert into core.macro_observation
    (series_id, observation_date, vintage_date, value, missing_reason, source, loaded_at, run_id)
values (%s, %s, %s, %s, %s, 'test', now(), %run)
"""
FACT = """
insert into core.company_fact (cik, tag, unit, period_start, period_end, accession_number, value,
    form, filed_date, known_from, loaded_at, run_id)
values (%s, 'Assets', 'USD', '2023-12-31', '2023-12-31', %s, 1, '10-K', %s, '2024-02-28', now(),
    %run)
"""
PENDING = """
insert into audit.pending_filing
    (cik, accession_number, form, filed_date, last_requested_on, run_id, discovered_at)
values (%s, %s, '10-K', %s, %s, %run, '2024-02-21 12:00+00')
"""
GIVEN_UP = """
insert into audit.filing_without_facts (cik, accession_number, form, filed_date, run_id)
values (%s, %s, '10-K', %s, %run)
"""


@pytest.fixture
def note(settings, new_run):
    """Execute a statement per row, in a run whose logical time is not set."""
    run_id = new_run(settings)

    def execute(statement: str, *rows: tuple[object, ...]) -> None:
        with connect(settings) as connection:
            connection.execute("update audit.run set clock_at = null")
            for row in rows:
                connection.execute(statement.replace("%run", str(run_id)), row)

    return execute


@pytest.fixture
def replayed(settings) -> None:
    """Make the warehouse one whose clock is that of its newest request."""
    with connect(settings) as connection:
        connection.execute("delete from audit.origin")
        connection.execute("insert into audit.origin (origin) values ('sandbox')")


def fetched(dataset: str, item: str, day: str | None, at: str, status: str = "loaded"):
    """Return a row of audit.fetch."""
    reason = None if status == "loaded" else "http_503"
    return (dataset, item, day, day, status, reason, at, at)


def test_a_release_that_never_came_is_a_gap_and_one_never_published_is_none(
    settings, replayed, note, query
) -> None:
    # due 45 days after the first of the month: 2024-01-15 (a holiday: the 16th), 02-15, 03-17
    # (a Sunday: the 18th), 04-15; never published: November; late by three days at the last fetch
    note(
        OBSERVATION,
        ("CPIAUCSL", "2023-11-01", "2023-12-12", None, "never published: a shutdown"),
        ("CPIAUCSL", "2023-12-01", "2024-01-11", 300.0, None),
        ("CPIAUCSL", "2024-02-01", "2024-03-12", 302.0, None),
    )
    note(FETCH, fetched("macro_observation", "CPIAUCSL", None, "2024-04-18 12:00+00"))
    only = " and item = 'CPIAUCSL' order by 1"
    gaps = GAPS.replace(" order by 1, 2", only)
    assert query(settings, gaps, ("macro_observation",)) == [
        ("2024-02-15", "CPIAUCSL", "no_row", "observation of 2024-01-01"),
        ("2024-04-15", "CPIAUCSL", "no_row", "observation of 2024-03-01"),
    ]
    loaded = "select session_date::text, loaded from published.coverage"
    assert query(
        settings, f"{loaded} where dataset = 'macro_observation' and loaded > 0 order by 1"
    ) == [("2024-01-16", 1), ("2024-03-18", 1)]


def test_daily_series_with_an_outage(settings, replayed, note, query) -> None:
    # Thursday and Friday; the lag is a day, so Friday's rate counts on Monday
    note(
        OBSERVATION,
        ("DGS10", "2024-01-04", "2024-01-05", 4.0, None),
        ("DGS10", "2024-01-05", "2024-01-08", 4.1, None),
    )
    note(FETCH, fetched("macro_observation", "DGS10", None, "2024-01-10 23:00+00", "outage"))
    gaps = GAPS.replace(" order by 1, 2", " and item = 'DGS10' order by 1")
    # Monday's, due on Tuesday, is late from six hours after Wednesday's close
    assert query(settings, gaps, ("macro_observation",)) == [
        ("2024-01-09", "DGS10", "not_due", "observation of 2024-01-08"),
        ("2024-01-10", "DGS10", "not_due", "observation of 2024-01-09"),
    ]
    note(FETCH, fetched("macro_observation", "DGS10", None, "2024-01-11 04:00+00", "outage"))
    assert query(settings, gaps, ("macro_observation",)) == [
        ("2024-01-09", "DGS10", "outage", "observation of 2024-01-08"),
        ("2024-01-10", "DGS10", "not_due", "observation of 2024-01-09"),
    ]


def test_indexes_and_filings_by_day_of_filing(settings, replayed, note, query) -> None:
    for day, status in (("2024-02-20", "loaded"), ("2024-02-22", "outage")):
        at = f"{day} 23:00+00"
        note(FETCH, fetched("filing_index", day, day, at, status))
    note(FETCH, fetched("filing_index", "2024-02-23", "2024-02-23", "2024-02-24 12:00+00"))
    assert query(settings, COVERED, ("filing_index",)) == [
        ("2024-02-20", 1, 1, 0),
        ("2024-02-21", 1, 0, 1),
        ("2024-02-22", 1, 0, 1),
        ("2024-02-23", 1, 1, 0),
    ]
    assert query(settings, GAPS, ("filing_index",)) == [
        ("2024-02-21", "2024-02-21", "not_asked", None),
        ("2024-02-22", "2024-02-22", "outage", None),
    ]
    number = "0000000011-24-00000{}".format
    # filed before the first index: none of its filings; on a Saturday: Monday's
    note(FACT, (11, number(1), "2024-02-16"), (11, number(2), "2024-02-20"))
    note(FACT, (11, number(3), "2024-02-24"))
    note(PENDING, (21, number(4), "2024-02-20", None), (22, number(5), "2024-02-20", None))
    note(PENDING, (23, number(6), "2024-02-20", "2024-02-22"))
    note(PENDING, (24, number(7), "2024-02-20", "2024-02-22"))
    note(GIVEN_UP, (25, number(8), "2024-02-20"), (11, number(2), "2024-02-20"))
    for cik, status in ((22, "outage"), (23, "loaded"), (24, "unreadable")):
        at = "2024-02-22 12:00+00"
        note(FETCH, fetched("company_fact", str(cik), None, at, status))
    assert query(settings, COVERED, ("filing",)) == [
        ("2024-02-20", 6, 1, 5),
        ("2024-02-26", 1, 1, 0),
    ]
    assert [(item, reason) for _, item, reason, _ in query(settings, GAPS, ("filing",))] == [
        (number(4), "not_asked"),
        (number(5), "outage"),
        (number(6), "pending"),
        (number(7), "unreadable"),
        (number(8), "no_row"),
    ]
    with psycopg.connect(warehouse_dsn(settings, "reader")) as reader:
        pending = "select sum(missing_pending) from published.coverage where dataset = 'filing'"
        assert reader.execute(pending).fetchone() == (1,)
