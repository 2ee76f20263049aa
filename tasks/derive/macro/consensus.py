"""Consensus forecasts that the user keeps in consensus.csv, checked as they are read."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from expectations.tables.release_reaction import RELEASES
from tasks.derive.incremental.derived_table import DerivationError
from warehouse.reference import reference_file

COLUMNS = ("release", "release_date", "consensus_pct", "source", "published_on")
# percent; beyond these a forecast of inflation or of the funds rate has another unit
MIN_PCT, MAX_PCT = -10.0, 25.0


class InvalidConsensus(DerivationError):
    """consensus.csv or one of its rows cannot be used."""


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
    found: dict[tuple[str, date], Consensus] = {}
    try:
        # spreadsheets begin a file with a byte order mark
        with file.open(encoding="utf-8-sig", newline="") as text:
            lines = csv.reader(text)
            header = tuple(cell.strip() for cell in next(lines, []))
            if header != COLUMNS:
                raise InvalidConsensus(
                    f"{file} has the columns {', '.join(header)}; it needs {', '.join(COLUMNS)}."
                )
            for cells in lines:
                if cells:
                    key, consensus = _parse([cell.strip() for cell in cells])
                    if key in found:
                        raise ValueError(f"{key[0]} of {key[1]} has an earlier line")
                    found[key] = consensus
    except UnicodeDecodeError as error:
        raise InvalidConsensus(f"{file} is not encoded in UTF-8; save it so.") from error
    except (ValueError, csv.Error) as error:
        raise InvalidConsensus(
            f"{file}, line {lines.line_num}: {error}. Correct the line."
        ) from error
    return found


def _parse(cells: Sequence[str]) -> tuple[tuple[str, date], Consensus]:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells, not {len(COLUMNS)}: quote a text with a comma")
    release, release_date, value, source, published_on = cells
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
