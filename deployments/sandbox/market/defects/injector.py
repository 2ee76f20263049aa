"""Inject false rows at true bars, in the columns of a tape's defects."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import polars as pl

from deployments.sandbox.market.sessions import Timeline

_PRICES = ("open", "high", "low", "close")
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "ticker": pl.String,
    "session_date": pl.Date,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Int64,
    "kind": pl.String,
    "visible_from": pl.Datetime("us", "UTC"),
    "visible_to": pl.Datetime("us", "UTC"),
}

#: Sessions kept free around each planted row, so that its neighbours are there to judge it by.
_MARGIN = 12


@dataclass
class DefectInjector:
    """Injects defects into bars, never two near each other.

    Attributes:
        bars: true bars by ticker, of tickers without splits, halts, renames or large moves.
        timeline: the tape's days.
        rng: source of the draws.
        rows: the planted rows.
        notes: one note per planted row.
    """

    bars: dict[str, pl.DataFrame]
    timeline: Timeline
    rng: np.random.Generator
    rows: list[dict[str, object]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _taken: dict[str, list[int]] = field(default_factory=dict)

    def pick(
        self, at: int | None = None, length: int = 1, ticker: str | None = None
    ) -> pl.DataFrame:
        """Return `length` true bars to replace, from session `at` (drawn by default)."""
        names = sorted(self.bars)
        sessions = len(self.timeline.sessions)
        for _ in range(5000):
            name = ticker or names[int(self.rng.integers(len(names)))]
            start = at if at is not None else int(self.rng.integers(15, sessions - 25))
            taken = self._taken.setdefault(name, [])
            if all(abs(start - other) > _MARGIN + length for other in taken):
                taken.append(start)
                return self.bars[name].slice(start, length)
        raise ValueError("too few companies without a story to hold the planted defects")

    def plant(
        self,
        true: pl.DataFrame,
        kind: str,
        note: str,
        *,
        scale: float | None = 1.0,
        on: date | None = None,
        visible_from: datetime | None = None,
        visible_to: datetime | None = None,
        **changed: float | None,
    ) -> None:
        """Add the vendor's rows in place of, or beside, the true bars.

        Args:
            true: the true bars.
            kind: the kind of defect; "extra_" kinds come besides the true bar.
            note: what happened, for the ground truth.
            scale: factor on the four prices, None to blank them and the volume.
            on: other day to show the row under.
            visible_from: first instant at which the vendor shows it, None for always.
            visible_to: instant at which the vendor corrects it, None for never.
            changed: prices to overwrite after scaling, as factors on the scaled close.
        """
        for bar in true.to_dicts():
            row = dict(bar, kind=kind, visible_from=visible_from, visible_to=visible_to)
            for name in _PRICES:
                row[name] = None if scale is None else round(bar[name] * scale, 6)
            for name, factor in changed.items():
                row[name] = None if factor is None else round(bar["close"] * factor, 2)
            if scale is None:
                row["volume"] = None
            if on is not None:
                row["session_date"] = on
            self.rows.append(row)
            self.notes.append(note)

    def frame(self) -> pl.DataFrame:
        """Return all injected rows in the tape's columns."""
        return pl.DataFrame(self.rows, schema=_SCHEMA)


def instant(day: np.datetime64 | date, hour: int = 23) -> datetime:
    """Return an hour of a day as UTC timestamp; 23:00 is after every close."""
    return datetime.fromisoformat(f"{day}T{hour:02d}:00:00+00:00")
