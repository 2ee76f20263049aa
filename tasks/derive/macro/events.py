"""Releases that move markets: consumer prices, and decisions on the target range."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import groupby, pairwise
from statistics import stdev

from tasks.derive.macro.consensus import Consensus
from tasks.derive.macro.figures import change_pct, newest_change_over_year
from tasks.derive.macro.vintages import KnownSeries, Vintage

# An older month was not released then: the provider's vintages begin there.
MAX_RELEASE_LAG = timedelta(days=120)
# FRED dated a new target range by the day of the decision in 2008, 2015 and 2016, and dates it by
# the day it takes effect, the day after, since then.
DATED_BY_DECISION_UNTIL = date(2016, 12, 31)
# surprises before one that its score needs
MIN_SURPRISES = 8


@dataclass(frozen=True)
class Event:
    """One release.

    Attributes:
        release: cpi or target_range.
        release_date: Day of the release or decision.
        reference_date: First day of the month, or day from which the range holds.
        session: First session that could react.
        known_from: Session from which the stored vintages show it.
        value_pct: As first released: CPI over a year, or the upper limit.
        previous_pct: The value known before.
        consensus: The forecast, where the user has one.
        surprise_pct: Value less consensus.
        surprise_in_sd: In standard deviations of the surprises before.
    """

    release: str
    release_date: date
    reference_date: date
    session: date
    known_from: date
    value_pct: float | None
    previous_pct: float | None
    consensus: Consensus | None = None
    surprise_pct: float | None = None
    surprise_in_sd: float | None = None


def cpi_releases(vintages: Sequence[Vintage]) -> Iterator[Event]:
    """Yield the releases of consumer prices, each with its newest month.

    Args:
        vintages: Of CPIAUCNS, in the order in which they became known.
    """
    series = KnownSeries(vintages)
    for session, group in groupby(vintages, key=lambda vintage: vintage.known_session):
        _, previous, _ = newest_change_over_year(series, session)
        before = series.days[-1] if series.days else date.min
        series.advance(session)
        month = series.days[-1] if series.days else date.min
        if month <= before:
            continue
        released = min(
            vintage.vintage_date for vintage in group if vintage.observation_date == month
        )
        if released - month <= MAX_RELEASE_LAG:
            value = change_pct(series, month, 12)
            yield Event("cpi", released, month, session, session, value, previous)


def target_changes(vintages: Sequence[Vintage], sessions: Sequence[date]) -> Iterator[Event]:
    """Yield the changes of the target range, on the day of the decision.

    FRED may show a new range on that day or on the day after.

    Args:
        vintages: Of DFEDTARU, in the order in which they became known.
        sessions: Of the exchange, in order.
    """
    first: dict[date, Vintage] = {}
    for vintage in vintages:
        if vintage.value is not None:
            first.setdefault(vintage.observation_date, vintage)
    for before, now in pairwise(first[day] for day in sorted(first)):
        if now.value == before.value:
            continue
        effective = now.observation_date
        is_dated_by_decision = effective <= DATED_BY_DECISION_UNTIL
        announced = effective - timedelta(days=0 if is_dated_by_decision else 1)
        decided = min(now.vintage_date, announced)
        place = bisect_left(sessions, decided)
        if place < len(sessions):
            session = sessions[place]
            known_from = max(session, now.known_session)
            yield Event(
                *("target_range", decided, effective, session, known_from),
                *(now.value, before.value),
            )


def add_surprises(
    events: Sequence[Event], forecasts: Mapping[tuple[str, date], Consensus]
) -> list[Event]:
    """Return events of one kind, in order, with consensus and surprise.

    Statistics offices publish a rate to one decimal, so the surprise of CPI is that of the rounded
    rate.
    """
    surprises: list[float] = []
    found = []
    for event in events:
        consensus = forecasts.get((event.release, event.release_date))
        if consensus is not None and event.value_pct is not None:
            digits = 1 if event.release == "cpi" else 2
            surprise = round(round(event.value_pct, digits) - consensus.value_pct, 6)
            deviation = stdev(surprises) if len(surprises) >= MIN_SURPRISES else 0
            score = surprise / deviation if deviation else None
            event = replace(event, surprise_pct=surprise, surprise_in_sd=score)
            surprises.append(surprise)
        found.append(replace(event, consensus=consensus))
    return found
