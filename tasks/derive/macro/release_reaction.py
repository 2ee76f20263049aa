"""release_reaction: returns of pairs and funds around releases of CPI and changes of the target."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.release_reaction import CONTRACT
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.macro.consensus import read_consensus
from tasks.derive.macro.events import Event, add_surprises, cpi_releases, target_changes
from tasks.derive.macro.market_model import (
    ESTIMATION_END,
    ESTIMATION_SESSIONS,
    EVENT_WINDOWS,
    Subject,
    align,
    measure,
)
from tasks.derive.macro.returns import read_growth
from tasks.derive.macro.vintages import read_sessions, read_vintages
from tasks.derive.rotation.closes import CHANGED_TICKERS_SQL
from tasks.derive.rotation.pairs import read_pairs
from warehouse.connect import arrow
from warehouse.reference import read_reference

MARKET = "SPY"
RELEASED = "releases"
PRICES, TARGET = "CPIAUCNS", "DFEDTARU"
# Days before a changed session that hold the last events whose windows reach it, and days before
# an event that hold its estimation: five sessions and 131, with room for closed days.
WINDOW_DAYS, ESTIMATION_DAYS = timedelta(days=12), timedelta(days=300)
BEGINNING = date(1, 1, 1)
INPUTS = {
    "daily_price": CHANGED_TICKERS_SQL,
    "corporate_action": CHANGED_TICKERS_SQL,
    "macro_observation": f"""
        select '{RELEASED}' as subject, from_date as first_date from change
        where item in ('{PRICES}', '{TARGET}')
    """,
}


def _subjects() -> dict[str, tuple[str, ...]]:
    """Return the tickers of each subject: all pairs, their legs that are funds, sector funds."""
    pairs = read_pairs()
    legs = {leg for pair in pairs.values() for leg in pair if not leg.startswith("^")}
    funds = sorted(legs | {*read_reference("sector_fund")["ticker"]} | {MARKET})
    return {**pairs, **{fund: (fund,) for fund in funds}}


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows | None:
    """Derive the reactions to releases whose windows a change reaches.

    Returns:
        The rows to publish; None where no window of a release is reached.
    """
    subjects = _subjects()
    relevant = {RELEASED, *(ticker for legs in subjects.values() for ticker in legs)}
    start = min((day for name, day in changes.dirty_from.items() if name in relevant), default=None)
    if start is None:
        return None
    events = _read_events(connection)
    event_from = _days_before(start, WINDOW_DAYS)
    late = [event.session for event in events if event.known_from >= start]
    event_from = min([event_from, *late])
    due = [event for event in events if event.session >= event_from]
    newest = arrow.read(
        connection, "select max(event_session) from derived.release_reaction"
    ).item()
    if not due and (newest is None or newest < event_from):
        return None
    rows = list(_derive_events(connection, subjects, due))
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, f"old.event_session >= '{event_from.isoformat()}'")


def _days_before(day: date, days: timedelta) -> date:
    return day - days if day - BEGINNING > days else BEGINNING


def _read_events(connection: adbc.Connection) -> list[Event]:
    """Return all releases, with consensus and surprise."""
    sessions = read_sessions(connection)
    vintages = read_vintages(connection, sessions, {PRICES: BEGINNING, TARGET: BEGINNING})
    forecasts = read_consensus()
    changes = target_changes(vintages[TARGET], sessions["session_date"].to_list())
    return [
        *add_surprises([*cpi_releases(vintages[PRICES])], forecasts),
        *add_surprises([*changes], forecasts),
    ]


def _derive_events(
    connection: adbc.Connection, subjects: Mapping[str, tuple[str, ...]], events: Sequence[Event]
) -> Iterator[dict[str, Any]]:
    """Yield the reactions of all subjects to events."""
    if not events:
        return
    tickers = {ticker for legs in subjects.values() for ticker in legs}
    first_event = min(event.session for event in events)
    since = _days_before(first_event, ESTIMATION_DAYS)
    aligned = _align_all(read_growth(connection, tickers, since), subjects)
    if since > BEGINNING and any(
        bisect_left(subject.days, first_event) < ESTIMATION_SESSIONS + ESTIMATION_END
        and subject.days[0] < since + timedelta(days=14)
        for subject in aligned.values()
    ):
        aligned = _align_all(read_growth(connection, tickers, BEGINNING), subjects)
    for name, subject in aligned.items():
        for event in events:
            yield from derive_reactions(name, subject, event)


def _align_all(
    growth: Mapping[str, pl.DataFrame], subjects: Mapping[str, tuple[str, ...]]
) -> dict[str, Subject]:
    found = {
        name: align([growth[leg] for leg in legs], growth[MARKET])
        for name, legs in subjects.items()
        if {*legs, MARKET} <= growth.keys()
    }
    return {name: subject for name, subject in found.items() if subject is not None}


def derive_reactions(name: str, subject: Subject, event: Event) -> Iterator[dict[str, Any]]:
    """Yield the rows of one subject and release: one per window that is over.

    Args:
        name: Of the subject.
        subject: Its returns.
        event: The release.
    """
    at = bisect_left(subject.days, event.session)
    if at == len(subject.days) or subject.days[at] != event.session:
        return
    for label, window in EVENT_WINDOWS.items():
        if (measured := measure(subject, at, window)) is None:
            continue
        consensus = event.consensus
        yield {
            "release": event.release,
            "release_date": event.release_date,
            "subject": name,
            "event_window": label,
            "event_session": event.session,
            "known_from": max(measured["window_end"], event.known_from),
            "reference_date": event.reference_date,
            "value_pct": event.value_pct,
            "previous_pct": event.previous_pct,
            "consensus_pct": consensus and consensus.value_pct,
            "consensus_source": consensus and consensus.source,
            "consensus_published_on": consensus and consensus.published_on,
            "surprise_pct": event.surprise_pct,
            "surprise_in_sd": event.surprise_in_sd,
            **measured,
        }


TABLE = DerivedTable(
    CONTRACT,
    INPUTS,
    _derive,
    reference_files=("pair", "sector_fund", "consensus", "macro_series"),
)
