"""Closes that are off the level of their neighbours, and what put them there.

Everything here looks at levels: the logarithm of the close in the vendor's own terms, in which a
split that the vendor has applied leaves no step. A row is judged by its neighbours of the same
reply and by what the warehouse already holds. Large moves that are real (a biotech share closing
at 15 times yesterday's price) come with a surge of volume and stay.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expectations.contract import flag_rule
from expectations.rules.price_jumps import (
    spikes,
    steps,
    transient_levels,
    unconfirmed_and_unexplained_jumps,
)
from expectations.rules.unadjusted_splits import flag_unadjusted_rows

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

HUNDRED = np.log(100.0)
# 100 times, give or take a factor of two for the day's own move: no true close moves 50-fold.
HUNDRED_TOLERANCE = np.log(2.0)
# Beyond a quarter of the rows the odd ones are no minority, and nobody knows which side is right:
# in AET's reply of 2022 the nine right closes stood among fourteen wrong ones.
MAX_OUTLIER_SHARE = 0.25
# Corrections of single closes stay below two percent; a restatement moves all by one ratio.
RESTATED_STEP, RESTATED_SPREAD, RESTATED_SHARE = np.log(1.02), 0.01, 0.8
# One held close alone may have been corrected: it takes a step that only splits make.
RESTATED_STEP_ALONE = np.log(1.2)

LEVEL_RULES = (
    flag_rule(
        "is_hundredfold",
        "price_off_by_100x",
        "the close is a hundred times its neighbours' level or a hundredth of it: cents for"
        " dollars or the reverse; all rows, where nothing shows which level is right",
    ),
    flag_rule(
        "is_split_not_applied",
        "split_not_applied",
        "the close is off its neighbours' level by the ratio of a split in the same reply: the"
        " vendor had not restated this row, so undoing the split put it off",
    ),
    flag_rule(
        "is_restated",
        "adjusted_without_split",
        "the ticker's closes differ from those held by one common ratio: the vendor has restated"
        " them for a split that its reply does not list",
    ),
    flag_rule(
        "is_spike",
        "price_spike_reverted",
        "the close is three times the last one or a third of it, the next close is back, and no"
        " surge of volume explains it",
    ),
    flag_rule(
        # TECX, 2024-06-21: 1.40 between 16.80 and 16.10 on no volume, a close from before a
        # reverse split. Nobody traded at it, but the vendor stands by it: it is kept as it came.
        "is_untraded_spike",
        "untraded_spike",
        "the close is three times the last one or a third of it, the next close is back, and no"
        " share traded: a quote that nobody dealt at",
        "warn",
    ),
    flag_rule(
        # Taken today and known tomorrow to be a spike, it would stay, and a history loaded day by
        # day would differ from one loaded in one go.
        "is_unconfirmed",
        "unconfirmed_jump",
        "the close at the edge of the reply is three times its neighbour or a third of it, with"
        " no surge of volume: set aside until the next session's close confirms it",
    ),
    flag_rule(
        # Shares list at new levels, merge and split off; a step that stays is no vendor's slip,
        # but what the vendor does not tell of it makes returns wrong.
        "is_unexplained",
        "unexplained_price_jump",
        "the close is three times the last one or a third of it and stays there, with neither a"
        " split nor a surge of volume: the vendor may lack a split, or the symbol was reused",
        "warn",
    ),
    flag_rule(
        # Known only in hindsight, when the rows have long been loaded: hence no quarantine.
        "is_brief_level",
        "transient_price_level",
        "the close leaves its level 2.5-fold and is back within five sessions: another"
        " security's prices, or a very short frenzy",
        "warn",
    ),
)


def flag_price_anomalies(bars: pd.DataFrame) -> pd.DataFrame:
    """Mark the bars whose close is off its neighbours' level.

    Args:
        bars: Bars with positive prices, one per (ticker, session_date), sorted by both, with
            `open`, `close`, `volume`, `removed_split_factor` and `held_close`.

    Returns:
        One row per bar, on the same index, with the boolean that each of `LEVEL_RULES` forbids.
    """
    marks = {str(rule.arguments["column"]): np.zeros(len(bars), dtype=bool) for rule in LEVEL_RULES}
    if bars.empty:
        return pd.DataFrame(marks, index=bars.index)
    codes = bars["ticker"].factorize()[0]
    undone = bars["removed_split_factor"].to_numpy(float)
    level = np.log(bars["close"].to_numpy(float) / undone)
    opened = np.log(bars["open"].to_numpy(float) / undone)
    log_diff_to_stored = np.log((bars["close"] / bars["held_close"]).to_numpy(float))
    volume = bars["volume"].to_numpy(float, na_value=np.nan)

    price_off_by_100x = marks["is_hundredfold"] = _hundredfold(codes, level, log_diff_to_stored)
    split = marks["is_split_not_applied"] = flag_unadjusted_rows(
        codes, level, opened, undone, ~np.isnan(log_diff_to_stored)
    )
    # What is explained already would look like a restatement, and its neighbours like steps.
    rest = np.flatnonzero(~(price_off_by_100x | split))
    marks["is_restated"][rest] = _restated(codes[rest], log_diff_to_stored[rest])
    spike, surge_free = spikes(codes[rest], level[rest], volume[rest])
    # An index never trades, so that no volume says nothing of its close.
    untraded = spike & (volume[rest] == 0) & np.isin(codes[rest], codes[volume > 0])
    marks["is_spike"][rest] = spike & ~untraded
    marks["is_untraded_spike"][rest] = untraded
    marks["is_brief_level"][rest] = transient_levels(codes[rest], level[rest]) & ~spike
    rest, surge_free = rest[~spike], surge_free[~spike]
    unconfirmed, unexplained = unconfirmed_and_unexplained_jumps(
        codes[rest], level[rest], surge_free, log_diff_to_stored[rest]
    )
    marks["is_unconfirmed"][rest] = unconfirmed
    marks["is_unexplained"][rest] = unexplained
    return pd.DataFrame(marks, index=bars.index)


def _hundredfold(codes: NDArray[np.intp], level: Floats, off_held: Floats) -> Flags:
    """Rows a hundred times too large or small (pence for pounds, cents for dollars)."""
    step = np.nan_to_num(steps(codes, level))
    jump = np.where(np.abs(np.abs(step) - HUNDRED) <= HUNDRED_TOLERANCE, np.sign(step), 0.0)
    marked = np.isin(codes, codes[jump != 0])
    out = np.zeros(len(codes), dtype=bool)
    if not marked.any():
        return out
    table = pd.DataFrame({"code": codes, "jump": jump})[marked]
    table["level_group"] = table.groupby("code")["jump"].cumsum()
    # The held closes decide, where there are any; else the level_group with the most rows.
    agrees = np.abs(off_held[marked]) < HUNDRED_TOLERANCE
    table["votes"] = np.where(agrees, len(codes) + 1.0, 1.0)
    votes = table.groupby(["code", "level_group"])["votes"].agg(["sum", "size"])
    best = votes.sort_values("sum").groupby("code").tail(1).reset_index("level_group")
    rows = table.groupby("code").size()
    base = table["code"].map(best["level_group"])
    proven = table["code"].map(best["sum"] > len(codes))
    clear = table["code"].map(1.0 - best["size"] / rows <= MAX_OUTLIER_SHARE)
    out[marked] = (table["level_group"] != base) | ~(proven | clear)
    return out


def _restated(codes: NDArray[np.intp], off_held: Floats) -> Flags:
    """All rows of the tickers whose closes differ from the held ones by one common ratio."""
    overlap = pd.DataFrame({"code": codes, "off": off_held}).dropna()
    middle = overlap.groupby("code")["off"].transform("median")
    overlap["near"] = (overlap["off"] - middle).abs() <= RESTATED_SPREAD
    found = overlap.groupby("code").agg(
        off=("off", "median"), near=("near", "mean"), rows=("off", "size")
    )
    limit = np.where(found["rows"] > 1, RESTATED_STEP, RESTATED_STEP_ALONE)
    common = (found["near"] >= RESTATED_SHARE) & (found["off"].abs() > limit)
    return np.isin(codes, found.index[common])
