"""Computes the breadth of one index: counts per session and sector, and running indicators."""

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tasks.derive.breadth.counts import (
    HIGH_LOW_WINDOW,
    RETURN_SCALE,
    SMA_WINDOWS,
    BreadthCounts,
    count_members,
)
from tasks.derive.breadth.indicators import INDICATOR_COLUMNS, IndicatorState, compute_indicators
from tasks.derive.breadth.membership_matrix import NO_SECTOR
from tasks.derive.incremental.index_members import ALL_SECTORS

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64] | Floats

COUNTED = ("members", "priced", "advancers", "decliners", "unchanged")
VOLUMES = ("advancing_volume", "declining_volume")
TYPES = {"ad_line": pl.Int64, "thrust_sessions_since_low": pl.Int32, "is_zweig_thrust": pl.Boolean}


def derive_breadth(
    bars: pl.DataFrame,
    snapshots: pl.DataFrame,
    start: date = date.min,
    previous_session: date | None = None,
    initial_state: Mapping[str, IndicatorState] | None = None,
) -> pl.DataFrame:
    """Return the breadth of one index from a session on.

    Args:
        bars: As `count_members` takes them.
        snapshots: As `count_members` takes them.
        start: The first day to derive.
        previous_session: The index's last session before `start`; None: there is none.
        initial_state: Sector to the state before its first derived session.

    Returns:
        One row per sector and session: the columns of `derived.sector_breadth` without the
        index, null where undefined.
    """
    counts = count_members(bars, snapshots, start, previous_session)
    frames = []
    for sector in (ALL_SECTORS, *counts.members.sectors):
        if sector == NO_SECTOR:
            continue
        frame = _sector_frame(counts, sector).filter(pl.col("members") > 0)
        lines = compute_indicators(
            frame["advancers"].to_list(),
            frame["decliners"].to_list(),
            (initial_state or {}).get(sector, IndicatorState()),
        )
        frames.append(
            frame.with_columns(
                pl.Series(name, lines[name], dtype=TYPES.get(name, pl.Float64))
                for name in INDICATOR_COLUMNS
            )
        )
    return pl.concat(frames)


def _sector_frame(counts: BreadthCounts, sector: str) -> pl.DataFrame:
    """Return one row per session of one sector, without the running indicators."""
    which = slice(None) if sector == ALL_SECTORS else [counts.members.sectors.index(sector)]
    of = {name: values[:, which].sum(axis=1) for name, values in counts.values.items()}
    in_force = counts.members.snapshot_index_on(counts.sessions)
    ratios = {
        f"pct_above_{n}": _safe_divide(100 * of[f"above_{n}"], of[f"eligible_{n}"])
        for n in SMA_WINDOWS
    }
    up, down = of["advancing_volume"], of["declining_volume"]
    ratios["trin"] = _safe_divide(
        _safe_divide(of["advancers"], of["decliners"]), _safe_divide(up, down)
    )
    # means of whole steps: the sums are exact, and each quotient is rounded once
    steps, weights = of["return_sum"], of["weight_sum"]
    ratios["equal_weight_return"] = _safe_divide(steps, of["priced"] * RETURN_SCALE)
    ratios["cap_weight_return"] = _safe_divide(of["weighted_return_sum"], weights)
    extremes = [f"new_{name}_{HIGH_LOW_WINDOW}" for name in ("highs", "lows")]
    eligible = [f"eligible_{n}" for n in (*SMA_WINDOWS, HIGH_LOW_WINDOW)]
    return pl.DataFrame(
        [
            pl.Series("session_date", counts.sessions).cast(pl.Date),
            *(
                pl.Series(name, of[name]).cast(pl.Int32)
                for name in (*COUNTED, *eligible, *extremes)
            ),
            *(pl.Series(name, of[name]) for name in VOLUMES),
            *(pl.Series(name, values, nan_to_null=True) for name, values in ratios.items()),
            pl.Series("membership_as_of", counts.members.as_of_days[in_force]).cast(pl.Date),
            pl.Series("is_backcast", counts.sessions < counts.members.from_days[0]),
        ]
    ).select(pl.lit(sector).alias("sector"), pl.all())


def _safe_divide(numerator: Numbers, denominator: Numbers) -> Floats:
    """Return the quotient; NaN where the divisor is 0.

    In numpy: Polars multiplies a column of one row by the reciprocal instead, which may end in
    another last bit than the same row among others.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.true_divide(numerator, denominator)
    return np.where(np.isfinite(quotient), quotient, np.nan)
