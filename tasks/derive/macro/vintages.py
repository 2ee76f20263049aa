"""Macro series as known at a session: which vintages were public before its close.

A vintage has a date only. `release_time` in macro_series.csv is its time in New York: a number of
08:30 is known in that day's session, one of 16:15 in the next.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from warehouse.connect import arrow
from warehouse.reference import read_reference


class Vintage(NamedTuple):
    """One value of one observation, with the session from which it is known."""

    known_session: date
    observation_date: date
    value: float | None
    missing_reason: str | None
    vintage_date: date = date.min


def read_sessions(connection: adbc.Connection, since: date = date.min) -> pl.DataFrame:
    """Return the sessions from a day on, with their closing time on New York's clocks.

    Returns:
        One row per session, in order: `session_date`, `closes_at`.
    """
    return arrow.read(
        connection,
        f"""
        select session_date, closes_at at time zone 'America/New_York' as closes_at
        from core.session where session_date >= '{since.isoformat()}' order by session_date
        """,
    )


def read_vintages(
    connection: adbc.Connection, sessions: pl.DataFrame, observed_from: Mapping[str, date]
) -> dict[str, list[Vintage]]:
    """Return the vintages of series, each in the order in which they became known.

    Args:
        connection: In the transaction of the derivation.
        sessions: Of `read_sessions`.
        observed_from: Series to the first observation to read.
    """
    series = ", ".join(f"('{name}', date '{day}')" for name, day in observed_from.items())
    stored = arrow.read(
        connection,
        f"""
        select series_id, observation_date, vintage_date, value, missing_reason
        from (values {series}) as requested(series_id, observed_from)
        join core.macro_observation using (series_id)
        where observation_date >= observed_from
        """,
    )
    known = add_known_session(stored, sessions).sort(
        "series_id", "known_session", "observation_date", "vintage_date"
    )
    found: dict[str, list[Vintage]] = {name: [] for name in observed_from}
    columns = known.select("series_id", *Vintage._fields)
    for name, *rest in columns.iter_rows():
        found[name].append(Vintage(*rest))
    return found


def add_known_session(vintages: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Add `known_session`, the first session that closes after the release; drop later ones.

    Args:
        vintages: `series_id`, `vintage_date` and more.
        sessions: Of `read_sessions`.
    """
    times = pl.from_pandas(read_reference("macro_series")[["series_id", "release_time"]])
    return (
        vintages.join(times, on="series_id")
        .with_columns(
            pl.col("vintage_date")
            .dt.combine(pl.col("release_time").str.to_time("%H:%M"))
            .alias("released_at")
        )
        .sort("released_at")
        .join_asof(
            sessions.select(pl.col("session_date").alias("known_session"), "closes_at"),
            left_on="released_at",
            right_on="closes_at",
            strategy="forward",
            allow_exact_matches=False,
        )
        .drop("release_time", "released_at", "closes_at")
        .drop_nulls("known_session")
    )


class KnownSeries:
    """Observations of one series as known at a session; `advance` moves the session on.

    Attributes:
        values: Observation date to value, in the newest vintage known.
        days: Observation dates that have a value, in order.
        revisions: Number of vintages so far that did not add the newest observation.
    """

    def __init__(self, vintages: Iterable[Vintage]) -> None:
        """Start before the first vintage, given in the order in which they became known."""
        self.values: dict[date, float] = {}
        self.days: list[date] = []
        self.revisions = 0
        self._reasons: dict[date, str] = {}
        self._waiting = iter(vintages)
        self._next = next(self._waiting, None)

    def advance(self, session: date) -> None:
        """Apply the vintages known by a session."""
        while self._next is not None and self._next.known_session <= session:
            self._apply(self._next)
            self._next = next(self._waiting, None)

    def _apply(self, vintage: Vintage) -> None:
        day, value = vintage.observation_date, vintage.value
        if self.days and day <= self.days[-1]:
            self.revisions += 1
        if value is None:
            self._reasons[day] = vintage.missing_reason or "not published"
            if self.values.pop(day, None) is not None:
                del self.days[bisect_left(self.days, day)]
            return
        if day not in self.values:
            insort(self.days, day)
        self.values[day] = value

    def newest(self, session: date, max_age_days: int) -> date | None:
        """Return the newest observation date with a value; None where it is too old."""
        if not self.days or self.days[-1] < session - timedelta(days=max_age_days):
            return None
        return self.days[-1]

    def newest_value(self, session: date, max_age_days: int) -> float | None:
        """Return the value of the newest observation; None where it is too old."""
        day = self.newest(session, max_age_days)
        return None if day is None else self.values[day]

    def missing_reason(self, day: date) -> str:
        """Return why an observation has no value."""
        return self._reasons.get(day, "not published")
