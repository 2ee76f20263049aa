"""Fills core.session, so that SQL can count sessions."""

from datetime import date, timedelta
from importlib.metadata import version

from psycopg import Connection

from expectations.calendars.trading import session_closes

# the calendar reaches a year ahead; half of it is left before it is read again
HORIZON = timedelta(days=180)


def sync_trading_calendar(connection: Connection) -> None:
    """Update core.session from the calendar, if that may have changed.

    The calendar changes with its library: a closing that is announced (2025-01-09, a day of
    mourning) comes with a release. Otherwise it is read again when half a year ahead is left:
    each check of health sees to it, too, since a stack may be up for longer than that.
    """
    release = f"exchange_calendars {version('exchange_calendars')}"
    held = connection.execute(
        """
        select reference.checksum, (select max(session_date) from core.session)
        from audit.reference where table_name = 'session'
        """
    ).fetchone()
    if held is not None and held[0] == release and held[1] > date.today() + HORIZON:
        return
    closes = session_closes()
    days = [day.date() for day in closes.index]
    connection.execute("delete from core.session where session_date <> all (%s)", (days,))
    connection.execute(
        """
        insert into core.session
        select * from unnest(%s::date[], %s::timestamptz[])
        on conflict (session_date) do update set closes_at = excluded.closes_at
        where core.session.closes_at <> excluded.closes_at
        """,
        (days, [close.to_pydatetime() for close in closes]),
    )
    connection.execute(
        """
        insert into audit.reference values ('session', %s)
        on conflict (table_name) do update
        set checksum = excluded.checksum, applied_at = clock_timestamp()
        """,
        (release,),
    )
