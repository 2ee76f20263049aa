"""Records of one ticker: bars, actions, listing and vendor defects."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

NEW_YORK = ZoneInfo("America/New_York")
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Bars:
    """Daily bars of one ticker as traded, in session order, each session once."""

    dates: NDArray[np.datetime64]
    opens_at: NDArray[np.int64]  # epoch second of each session's open
    prices: NDArray[np.float64]  # one row for each of PRICES
    volume: NDArray[np.int64]


@dataclass(frozen=True)
class DatedValues:
    """Values by ex-date, in the order of the dates."""

    dates: NDArray[np.datetime64]
    values: NDArray[np.float64]

    def filter(self, kept: NDArray[np.bool_]) -> "DatedValues":
        """Return the values selected by a mask."""
        return DatedValues(self.dates[kept], self.values[kept])

    @staticmethod
    def merge(parts: Iterable["DatedValues"]) -> "DatedValues":
        """Concatenate several; on one day, values of earlier parts come first."""
        dates, values = zip(*((part.dates, part.values) for part in parts), strict=True)
        order = np.argsort(np.concatenate(dates), kind="stable")
        return DatedValues(np.concatenate(dates)[order], np.concatenate(values)[order])


@dataclass(frozen=True)
class Actions:
    """Corporate actions of one ticker, by ex-date."""

    splits: DatedValues  # new shares per old
    dividends: DatedValues  # USD per share as paid, like capital_gains
    capital_gains: DatedValues


@dataclass(frozen=True)
class Instrument:
    """Metadata of one listing; None for missing values."""

    first_session: date | None = None
    last_session: date | None = None
    type: str = "EQUITY"
    renamed_to: str | None = None
    renamed_on: date | None = None


@dataclass(frozen=True)
class Defect:
    """A bad row visible for a period, unadjusted; None is a vendor null."""

    session_date: date
    prices: tuple[float | None, ...]  # in the order of PRICES
    volume: int | None
    kind: str
    visible_from: datetime
    visible_to: datetime

    @property
    def is_extra(self) -> bool:
        """Return whether the row is added beside the true bar instead of replacing it."""
        return self.kind == "extra" or self.kind.startswith("extra_")

    def is_visible(self, now: datetime) -> bool:
        """Return whether the vendor shows this row at a time."""
        return self.visible_from <= now < self.visible_to


def parse_instant(text: str) -> datetime:
    """Parse an ISO timestamp with an offset.

    Args:
        text: For example ``2024-10-31T23:00:00Z``.

    Returns:
        The instant in UTC.

    Raises:
        ValueError: When the text is no ISO instant or has no offset.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; write an instant such as 2024-10-31T23:00:00Z")
    return instant.astimezone(UTC)


@cache
def session_open(day: date) -> int:
    """Return the epoch second of 09:30 in New York on a day."""
    return int(datetime.combine(day, time(9, 30), NEW_YORK).timestamp())
