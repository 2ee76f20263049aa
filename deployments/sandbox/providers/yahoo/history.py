"""The vendor's history of one symbol, with renamed listings joined."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache

import numpy as np

from deployments.sandbox.providers.yahoo.split_adjust import (
    AdjustedBars,
    AdjustmentFactors,
    adjust,
    restatement,
)
from deployments.sandbox.tape.records import (
    NEW_YORK,
    Actions,
    Bars,
    DatedValues,
    Defect,
    Instrument,
)
from deployments.sandbox.tape.tape import Tape

NO_DATES = np.array([], dtype="datetime64[D]")
NO_BARS = Bars(NO_DATES, np.array([], np.int64), np.empty((4, 0)), np.array([], np.int64))
NOTHING = DatedValues(NO_DATES, np.array([]))
NO_ACTIONS = Actions(NOTHING, NOTHING, NOTHING)
# yfinance sends two requests per ticker (time zone, then period): the second is a cache hit,
# and memory stays bounded on tapes of thousands of tickers over decades.
CACHE_SIZE = 512


@dataclass(frozen=True)
class Listing:
    """The vendor's data of one symbol on one day."""

    instrument: Instrument
    actions: Actions
    factors: AdjustmentFactors
    rows: AdjustedBars


@dataclass(frozen=True)
class _SymbolPeriod:
    """Period of one company under one symbol."""

    ticker: str
    start: date
    end: date  # not included

    def contains(self, dates: np.ndarray) -> np.ndarray:
        return (dates >= np.datetime64(self.start)) & (dates < np.datetime64(self.end))


class ListingIndex:
    """Index of a tape's listings by symbol, as the vendor shows them at a time."""

    def __init__(self, tape: Tape) -> None:
        """Index the renames of a tape.

        Args:
            tape: The tape.
        """
        self._tape = tape
        self._former: dict[str, list[str]] = defaultdict(list)
        for ticker, instruments in tape.instruments.items():
            for instrument in instruments:
                if instrument.renamed_to and instrument.renamed_on:
                    self._former[instrument.renamed_to].append(ticker)
        self._kept: dict[tuple[object, ...], Listing] = {}

    def find(self, symbol: str, now: datetime) -> Listing | None:
        """Find the listing under a symbol.

        Args:
            symbol: As the vendor spells it.
            now: The clock.

        Returns:
            The listing; None when the vendor knows no such symbol (yet, or any more).
        """
        today = now.astimezone(NEW_YORK).date()
        traded = self.as_traded(symbol, now)
        if traded is None:
            return None
        bars, actions = traded
        parts = tuple(self._parts(symbol, today))
        instrument = self._instrument(symbol, today)[0]
        defects = [defect for part in parts for defect in self._defects(part, now)]
        day = np.datetime64(today)
        known = [int((each.dates <= day).sum()) for each in _kinds(actions)]
        key = (parts, *known, *defects)
        if key not in self._kept:
            factors = restatement(bars, actions, day)
            rows = adjust(bars, factors, defects)
            self._kept[key] = Listing(instrument, actions, factors, rows)
            if len(self._kept) > CACHE_SIZE:
                del self._kept[next(iter(self._kept))]
        return self._kept[key]

    def as_traded(self, symbol: str, now: datetime) -> tuple[Bars, Actions] | None:
        """Return the true bars and actions of a symbol, those after the clock included.

        Args:
            symbol: As the vendor spells it.
            now: The clock.

        Returns:
            Both, with former symbols joined; None when no such symbol is listed (yet, or any more).
        """
        today = now.astimezone(NEW_YORK).date()
        parts = tuple(self._parts(symbol, today))
        instrument = self._instrument(symbol, today)[0]
        renamed_on, first = instrument.renamed_on, instrument.first_session
        if (renamed_on and renamed_on <= today) or (first and first > today):
            return None
        bars = _join_bars([self._bars(part) for part in parts])
        if not len(bars.dates) or bars.opens_at[0] > now.timestamp():
            return None
        return bars, _join_actions([self._actions(part) for part in parts])

    def _instrument(self, symbol: str, today: date) -> tuple[Instrument, date]:
        """Return the company of a symbol on a day, and the next company's first day."""
        found, until = Instrument(), date.max
        for number, instrument in enumerate(self._tape.instruments.get(symbol, ())):
            first = instrument.first_session or date.min
            if number and first > today:
                return found, first
            found = instrument
        return found, until

    def _parts(self, symbol: str, today: date) -> Iterable[_SymbolPeriod]:
        for former in self._former.get(symbol, ()):
            for instrument in self._tape.instruments[former]:
                turn = instrument.renamed_on
                if instrument.renamed_to == symbol and turn and turn <= today:
                    yield from self._parts(former, turn - timedelta(days=1))
        instrument, until = self._instrument(symbol, today)
        # The vendor drops earlier history only if a symbol was reused.
        is_first = instrument in self._tape.instruments.get(symbol, [instrument])[:1]
        start = date.min if is_first else instrument.first_session or date.min
        yield _SymbolPeriod(symbol, start, until)

    def _bars(self, part: _SymbolPeriod) -> Bars:
        bars = self._tape.bars.get(part.ticker, NO_BARS)
        kept = part.contains(bars.dates)
        if kept.all():
            return bars
        return Bars(bars.dates[kept], bars.opens_at[kept], bars.prices[:, kept], bars.volume[kept])

    def _actions(self, part: _SymbolPeriod) -> Actions:
        actions = self._tape.actions.get(part.ticker, NO_ACTIONS)
        return Actions(*(each.filter(part.contains(each.dates)) for each in _kinds(actions)))

    def _defects(self, part: _SymbolPeriod, now: datetime) -> list[Defect]:
        return [
            defect
            for defect in self._tape.defects.get(part.ticker, ())
            if defect.is_visible(now) and part.start <= defect.session_date < part.end
        ]


@cache
def _early_closes(year: int) -> dict[date, datetime]:
    # Imported late: only an open session needs the calendar, which imports pandas.
    from deployments.sandbox.providers.yahoo.exchange import xnys_calendar

    calendar = xnys_calendar(date(year, 1, 1), date(year, 12, 31))
    return {
        day.date(): calendar.session_close(day).to_pydatetime() for day in calendar.early_closes
    }


def session_close(day: date) -> int:
    """Return the epoch second of a New York session's close.

    Args:
        day: The session.

    Returns:
        16:00 in New York, earlier on half days.
    """
    close = _early_closes(day.year).get(day, datetime.combine(day, time(16), NEW_YORK))
    return int(close.timestamp())


def _join_bars(parts: list[Bars]) -> Bars:
    if len(parts) == 1:
        return parts[0]
    dates = np.concatenate([part.dates for part in parts])
    # If both symbols have a session, the former symbol's bar wins.
    _, first = np.unique(dates, return_index=True)
    return Bars(
        dates=dates[first],
        opens_at=np.concatenate([part.opens_at for part in parts])[first],
        prices=np.concatenate([part.prices for part in parts], axis=1)[:, first],
        volume=np.concatenate([part.volume for part in parts])[first],
    )


def _join_actions(parts: list[Actions]) -> Actions:
    if len(parts) == 1:
        return parts[0]
    return Actions(*(DatedValues.merge(each) for each in zip(*map(_kinds, parts), strict=True)))


def _kinds(actions: Actions) -> tuple[DatedValues, DatedValues, DatedValues]:
    return actions.splits, actions.dividends, actions.capital_gains
