"""Whose facts ought to be there against whose are."""

import pandas as pd
import pytest

from expectations.tables import index_membership
from warehouse.connect.connections import connect

COVERED = """
select session_date::text, expected, loaded, quarantined, missing, missing_not_found,
    missing_not_asked, missing_outage
from published.coverage where dataset = 'company_fact' order by 1
"""
GAPS = """
select session_date::text, item, missing_reason from published.coverage_gap
where dataset = 'company_fact' order by 1, 2
"""


@pytest.fixture
def listed(settings, merged, members):
    """Two files: BRK-A and BRK-B are of one company, and GONE is in no list of the SEC."""
    for as_of, known_from, tickers in (
        ("2024-01-04", "2024-01-05", ("AAA", "BRK-A", "BRK-B", "GONE")),
        ("2024-01-05", "2024-01-08", ("AAA", "BBB", "CCC")),
    ):
        file = members(*((ticker, as_of, 1.0) for ticker in tickers))
        known = file.assign(known_from=pd.Timestamp(known_from))
        merged(settings, index_membership.CONTRACT, known)


@pytest.fixture
def note(settings, new_run):
    """Executes statements in which `run` stands for a run's number."""
    run_id = new_run(settings)

    def execute(statement: str, *rows: tuple[object, ...]) -> None:
        with connect(settings) as connection:
            for row in rows:
                connection.execute(statement.replace("%run", str(run_id)), row)

    return execute


FETCH = """
insert into audit.fetch (run_id, source, dataset, item, status, reason, detail, rows, attempts,
    started_at, finished_at)
values (%run, 'sec', %s, %s, %s, %s, '', 0, 1, now(), now())
"""
MAPPING = """
insert into core.company_ticker (ticker, known_from, cik, name, loaded_at, run_id)
values (%s, %s, %s, 'Corp', now(), %run)
"""
FACT = """
insert into core.company_fact (cik, tag, unit, period_start, period_end, accession_number, value,
    form, filed_date, known_from, loaded_at, run_id)
values (%s, 'Assets', 'USD', '2023-09-30', '2023-09-30', '0000000011-23-000001', 1, '10-Q',
    '2023-11-03', '2023-11-06', now(), %run)
"""


def test_before_the_list_was_read_nobody_was_asked(settings, listed, query) -> None:
    assert query(settings, COVERED) == [
        ("2024-01-04", 4, 0, 0, 4, 0, 4, 0),
        ("2024-01-05", 3, 0, 0, 3, 0, 3, 0),
    ]


def test_companies_of_members_by_file(settings, listed, note, query) -> None:
    note(FETCH, ("company_ticker", "list", "loaded", None))
    # a symbol that was given to another company after the second file
    later = [("AAA", "2024-01-03", 11), ("AAA", "2024-01-09", 99), ("CCC", "2024-01-09", 44)]
    note(MAPPING, ("BRK-A", "2024-01-03", 22), ("BRK-B", "2024-01-03", 22), *later)
    note(MAPPING, ("BBB", "2024-01-03", 33))
    note(FETCH, ("company_fact", "11", "loaded", None), ("company_fact", "33", "loaded", None))
    note(FETCH, ("company_fact", "33", "outage", "http_503"))
    note(FACT, (11,))
    assert query(settings, COVERED) == [
        # AAA, the company of two symbols, and GONE
        ("2024-01-04", 3, 1, 0, 2, 1, 1, 0),
        # AAA, BBB, and CCC by the first word of the list
        ("2024-01-05", 3, 1, 0, 2, 0, 1, 1),
    ]
    assert query(settings, GAPS) == [
        ("2024-01-04", "22", "not_asked"),
        ("2024-01-04", "GONE", "not_found"),
        ("2024-01-05", "33", "outage"),
        ("2024-01-05", "44", "not_asked"),
    ]


def test_facts_that_were_all_set_aside(settings, listed, note, query) -> None:
    note(FETCH, ("company_ticker", "list", "loaded", None), ("company_fact", "11", "loaded", None))
    note(MAPPING, ("AAA", "2024-01-03", 11))
    aside = "insert into audit.quarantine"
    aside += " (first_run_id, last_run_id, table_name, key, rule, reason, row)"
    aside += " values (%run, %run, 'company_fact', %s, 'dated', 'why', '{}')"
    assert ("2024-01-05", "11", "no_row") in query(settings, GAPS)
    note(aside, ('{"cik": 11}',))
    assert ("2024-01-05", "11", "quarantined") in query(settings, GAPS)


DEBT = """
insert into derived.company_refinancing (cik, as_of_date, is_backcast, period_end, filed_date,
    accession_number, total_debt_usd, total_debt_confidence, loaded_at, run_id)
select %s, %s, false, '2023-09-30', '2023-11-03', '0000000011-23-000001', debt,
    case when debt is not null then 'sure' end, now(), %run
from (select %s::double precision as debt) as filed
"""


def test_filers_that_cannot_be_read_or_have_no_debt(settings, listed, note, query) -> None:
    note(FETCH, ("company_ticker", "list", "loaded", None))
    ciks = {"AAA": 11, "BBB": 22, "CCC": 33}
    note(MAPPING, *((ticker, "2024-01-03", cik) for ticker, cik in ciks.items()))
    note(FETCH, ("company_fact", "11", "unreadable", "ifrs"))
    note(FETCH, ("company_fact", "22", "loaded", None), ("company_fact", "33", "loaded", None))
    # only shares of the first, and an outage since of the second
    shares = FACT.replace("'Assets', 'USD'", "'EntityCommonStockSharesOutstanding', 'shares'")
    note(shares, (11,))
    note(FACT, (22,), (33,))
    note(FETCH, ("company_fact", "22", "outage", "http_503"))
    # known for the quarter-end before, but no longer; for the second none at all
    note(DEBT, (33, "2023-09-30", 7.0), (33, "2023-12-31", None), (22, "2023-12-31", 8.0))
    counted = """
        select expected, loaded, missing, missing_unreadable, loaded_without_debt
        from published.coverage
        where dataset = 'company_fact' and session_date = '2024-01-05'
    """
    assert query(settings, counted) == [(3, 2, 1, 1, 1)]
    gaps = """
        select item, missing_reason, detail from published.coverage_gap
        where dataset = 'company_fact' and session_date = '2024-01-05'
    """
    assert query(settings, gaps) == [("11", "unreadable", "ifrs")]
