"""Consensus forecasts that the user keeps in consensus.csv, checked as they are read."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from expectations.tables.release_reaction import RELEASES
from warehouse.base_error import RotationError
from warehouse.reference import reference_file

COLUMNS = ("release", "release_date", "consensus_pct", "source", "published_on")
# percent; beyond these a forecast of inflation or of the funds rate has another unit
MIN_PCT, MAX_PCT = -10.0, 25.0


class InvalidConsensus(RotationError):
    """A row of consensus.csv that cannot be used."""


@dataclass(frozen=True)
class Consensus:
    """One forecast.

    Attributes:
        value_pct: Percent.
        source: Who published it.
        published_on: When.
    """

    value_pct: float
    source: str
    published_on: date


def read_consensus() -> dict[tuple[str, date], Consensus]:
    """Return the forecasts by release and release date.

    Raises:
        InvalidConsensus: the file lacks a column, or a row is wrong; nothing is used then.
    """
    file = reference_file("consensus")
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    if tuple(rows.columns) != COLUMNS:
        raise InvalidConsensus(
            f"{file} has the columns {', '.join(rows.columns)}; it needs {', '.join(COLUMNS)}."
        )
    found: dict[tuple[str, date], Consensus] = {}
    for number, row in enumerate(rows.itertuples(index=False), start=2):
        try:
            key, consensus = _parse(*(str(cell).strip() for cell in row))
            if key in found:
                raise ValueError(f"{key[0]} of {key[1]} has an earlier line")
        except ValueError as error:
            raise InvalidConsensus(f"{file}, line {number}: {error}. Correct the line.") from None
        found[key] = consensus
    return found


def _parse(
    release: str, release_date: str, value: str, source: str, published_on: str
) -> tuple[tuple[str, date], Consensus]:
    if release not in RELEASES:
        raise ValueError(f"release is {release!r}, not one of {', '.join(RELEASES)}")
    day, published = date.fromisoformat(release_date), date.fromisoformat(published_on)
    consensus = Consensus(float(value), source, published)
    if not MIN_PCT <= consensus.value_pct <= MAX_PCT:
        raise ValueError(f"consensus_pct is {value}, outside {MIN_PCT:g} to {MAX_PCT:g} percent")
    if not source:
        raise ValueError("source is empty")
    if published > day:
        raise ValueError(f"published_on {published} is after the release of {day}")
    return (release, day), consensus
