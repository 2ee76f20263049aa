"""The calendar in SQL."""

from warehouse.connect.connections import connect
from warehouse.schema.migrate import ensure_up_to_date


def test_sessions_are_the_calendar_s(settings, query):
    near = "select session_date::text, (closes_at at time zone 'America/New_York')::text"
    near += " from core.session where session_date between '2025-01-08' and '2025-01-10'"
    assert query(settings, near) == [
        ("2025-01-08", "2025-01-08 16:00:00"),
        ("2025-01-10", "2025-01-10 16:00:00"),
    ]
    half = "select (closes_at at time zone 'America/New_York')::time::text from core.session"
    assert query(settings, f"{half} where session_date = '2024-11-29'") == [("13:00:00",)]


def test_a_closing_that_a_new_release_knows_of_is_taken_out(settings, query):
    with connect(settings, "owner") as connection:
        connection.execute("insert into core.session values ('2025-01-09', '2025-01-09 21:00+00')")
        connection.execute(
            "update audit.reference set checksum = 'older' where table_name = 'session'"
        )
    ensure_up_to_date(settings)
    assert query(settings, "select * from core.session where session_date = '2025-01-09'") == []
