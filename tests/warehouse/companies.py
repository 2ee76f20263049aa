"""Companies whose bars come under one symbol and another, and what the map then says."""

from expectations.calendars.trading import session_closes
from warehouse.backup.checksum import checksums
from warehouse.connect.connections import connect

SESSIONS = session_closes().index[
    (session_closes().index >= "2023-01-03") & (session_closes().index < "2025-01-01")
]
MAP = """
select ticker, valid_from::text, valid_to::text,
    dense_rank() over (order by instrument_id) as instrument
from core.ticker order by ticker, valid_from
"""
PERIODS = """
select ticker, count(*), min(session_date)::text, max(session_date)::text
from published.daily_price group by ticker order by ticker
"""
ALL = ("-infinity", "infinity")


def day(position: int) -> str:
    """The date of a session, counted from the first."""
    return str(SESSIONS[position].date())


def content(settings):
    with connect(settings) as connection:
        return {each.table: each for each in checksums(connection)}
