"""The pairs of pair.csv, and the sessions from which changed prices reach them."""

from datetime import date

import polars as pl

from tasks.derive.incremental.changes import ChangeSet
from warehouse.reference import reference_file


def read_pairs() -> dict[str, tuple[str, str]]:
    """Return each pair's name with its tickers, small first."""
    rows = pl.read_csv(reference_file("pair")).to_dicts()
    return {f"{row['small']}/{row['large']}": (row["small"], row["large"]) for row in rows}


def changed_pairs(changes: ChangeSet) -> dict[str, date]:
    """Return the pairs that changed tickers reach, with the first date."""
    reached = {
        pair: min(changes.dirty_from.get(leg, date.max) for leg in legs)
        for pair, legs in read_pairs().items()
    }
    return {pair: start for pair, start in reached.items() if start < date.max}


def replaced_rows(starts: dict[str, date], date_column: str) -> str:
    """Return SQL on `old`: rows of pairs from their first dates on, and of removed pairs."""
    listed = ", ".join(f"'{pair}'" for pair in read_pairs())
    parts = [f"old.pair not in ({listed})"]
    parts += [
        f"(old.pair = '{pair}' and old.{date_column} >= '{start.isoformat()}')"
        for pair, start in starts.items()
    ]
    return " or ".join(parts)
