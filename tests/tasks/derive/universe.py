"""Small universes at random, with all that happens to shares."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

FIRST = date(2020, 1, 1)
SECTORS = ("Energy", "Financials", "Utilities", None)


@dataclass
class Universe:
    """Bars and snapshots as `derive_breadth` takes them."""

    bars: pl.DataFrame
    snapshots: pl.DataFrame


def make_universe(seed: int, shares: int = 7, sessions: int = 290) -> Universe:
    """Halts, listings, an all-up day, a day without decliners' volume, a sector of one.

    Prices are on a coarse grid, and the first share hardly moves, so that closes meet their means
    and extremes exactly.
    """
    rng = np.random.default_rng(seed)
    days = [FIRST + timedelta(days=i) for i in range(sessions)]
    all_up, quiet = rng.integers(100, sessions, 2)
    bars = []
    for share in range(1, shares + 1):
        steps = rng.choice([-0.25, 0, 0.25], sessions) if share > 1 else np.zeros(sessions)
        steps[all_up] = 0.25
        closes = 20 + np.abs(np.cumsum(steps))
        has_bar = np.ones(sessions, dtype=bool)
        if share > 2:
            has_bar[: rng.choice([0, 0, 5, 60])] = False
            halt = rng.integers(0, sessions)
            has_bar[halt : halt + rng.integers(1, 30)] = False
        is_down = np.diff(closes, prepend=0) < 0
        volumes = np.where(
            (np.arange(sessions) == quiet) & is_down, 0, rng.integers(0, 900, sessions)
        )
        split = rng.integers(0, sessions) if rng.random() < 0.3 else 0
        factors = np.where(np.arange(sessions) < split, rng.choice([0.5, 0.25, 8.0]), 1.0)
        bars.extend(
            (
                share,
                days[i],
                closes[i] / factors[i],
                None if rng.random() < 0.01 else int(volumes[i]),
                factors[i],
            )
            for i in np.flatnonzero(has_bar)
        )
    snapshots = []
    for known in sorted(rng.choice(np.arange(20, sessions), rng.integers(1, 5), replace=False)):
        sectors = rng.choice(len(SECTORS), shares + 1)
        # one that never trades, too
        others = rng.permutation(np.arange(2, shares + 2))[: rng.integers(0, shares + 1)]
        listed = [1, *others]
        # an older snapshot that is known later never holds
        as_of = days[known] - timedelta(days=int(rng.choice([1, 1, 1, 90])))
        if any(as_of == row[0] for row in snapshots):
            continue
        snapshots.extend(
            (as_of, days[known], int(i), SECTORS[sectors[i - 1]], float(rng.integers(1, 50)))
            for i in listed
        )
    order = rng.permutation(len(bars))
    return Universe(
        pl.DataFrame(
            [bars[i] for i in order],
            schema={
                "instrument_id": pl.Int32,
                "session_date": pl.Date,
                "close": pl.Float64,
                "volume": pl.Int64,
                "split_factor": pl.Float64,
            },
            orient="row",
        ),
        pl.DataFrame(
            snapshots,
            schema={
                "as_of_date": pl.Date,
                "known_from": pl.Date,
                "instrument_id": pl.Int32,
                "sector": pl.String,
                "weight_pct": pl.Float64,
            },
            orient="row",
        ),
    )
