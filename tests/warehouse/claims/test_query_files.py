"""The files of claims and conditions: their headers, and their queries as a reader runs them."""

from warehouse.claims import claims, conditions
from warehouse.connect.connections import connect
from warehouse.query_file import parse_query_file
from warehouse.settings import Settings

DAY_COLUMNS = ["day", "value", "is_met"]
WITNESS_COLUMNS = ["witness", "measured", "is_met", "reason", "as_of_date"]


def test_header_fields_may_continue_on_the_next_line() -> None:
    text = "-- statement: One thing\n--   and another: really.\n-- unit: percent\nselect 1\n;\n"
    found = parse_query_file("one", text)
    assert found.header == {"statement": "One thing and another: really.", "unit": "percent"}
    assert found.query == "select 1\n"


def test_evidence_runs_as_the_reader_and_says_what_is_missing(settings: Settings) -> None:
    """Of an empty warehouse no claim is supported or contradicted."""
    with connect(settings, "reader") as connection:
        for claim in claims():
            cursor = connection.execute(claim.query.encode())
            assert [column.name for column in cursor.description or ()] == WITNESS_COLUMNS
            rows = cursor.fetchall()
            assert rows or "not measurable" in claim.header, claim.name
            for _, measured, is_met, reason, _ in rows:
                assert (measured, is_met) == (None, None), claim.name
                assert reason, claim.name


def test_conditions_run_as_the_reader(settings: Settings) -> None:
    with connect(settings, "reader") as connection:
        for condition in conditions():
            cursor = connection.execute(condition.query.encode())
            assert [column.name for column in cursor.description or ()] == DAY_COLUMNS
            assert all(is_met is None for *_, is_met in cursor.fetchall()), condition.name
