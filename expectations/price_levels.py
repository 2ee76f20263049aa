"""Closes that are off the level of their neighbours, and what put them there.

Everything here looks at levels: the logarithm of the close in the vendor's own terms, in which a
split that the vendor has applied leaves no step. A row is judged by its neighbours of the same
reply and by what the warehouse already holds. Large moves that are real (a biotech share closing
at 15 times yesterday's price) come with a surge of volume and stay.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expectations.contract import no_row_is
from expectations.price_steps import brief_levels, edges, spikes, steps
from expectations.split_levels import not_restated

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

HUNDRED = np.log(100.0)
# 100 times, give or take a factor of two for the day's own move: no true close moves 50-fold.
HUNDRED_TOLERANCE = np.log(2.0)
# Beyond a quarter of the rows the odd ones are no minority, and nobody knows which side is right:
# in AET's reply of 2022 the nine right closes stood among fourteen wrong ones.
MINORITY = 0.25
# Corrections of single closes stay below two percent; a restatement moves all by one ratio.
RESTATED_STEP, RESTATED_SPREAD, RESTATED_SHARE = np.log(1.02), 0.01, 0.8
# One held close alone may have been corrected: it takes a step that only splits make.
RESTATED_STEP_ALONE = np.log(1.2)

LEVEL_RULES = (
    no_row_is(
        "is_hundredfold",
        "hundredfold",
        "the close is a hundred times its neighbours' level or a hundredth of it: cents for"
        " dollars or the reverse; all rows, where nothing shows which level is right",
    ),
    no_row_is(
        "is_split_not_applied",
        "split_not_applied",
        "the close is off its neighbours' level by the ratio of a split in the same reply: the"
        " vendor had not restated this row, so undoing the split put it off",
    ),
    no_row_is(
        "is_restated",
        "restated_without_action",
        "the ticker's closes differ from those held by one common ratio: the vendor has restated"
        " them for a split that its reply does not list",
    ),
    no_row_is(
        "is_spike",
        "spike_and_return",
        "the close is three times the last one or a third of it, the next close is back, and no"
        " surge of volume explains it",
    ),
    no_row_is(
        # TECX, 2024-06-21: 1.40 between 16.80 and 16.10 on no volume, a close from before a
        # reverse split. Nobody traded at it, but the vendor stands by it: it is kept as it came.
        "is_untraded_spike",
        "untraded_spike",
        "the close is three times the last one or a third of it, the next close is back, and no"
        " share traded: a quote that nobody dealt at",
        "warn",
    ),
    no_row_is(
        # Taken today and known tomorrow to be a spike, it would stay, and a history loaded day by
        # day would differ from one loaded in one go.
        "is_unconfirmed",
        "unconfirmed_jump",
        "the close at the edge of the reply is three times its neighbour or a third of it, with"
        " no surge of volume: set aside until the next session's close confirms it",
    ),
    no_row_is(
        # Shares list at new levels, merge and split off; a step that stays is no vendor's slip,
        # but what the vendor does not tell of it makes returns wrong.
        "is_unexplained",
        "jump_without_action",
        "the close is three times the last one or a third of it and stays there, with neither a"
        " split nor a surge of volume: the vendor may lack a split, or the symbol was reused",
        "warn",
    ),
    no_row_is(
        # Known only in hindsight, when the rows have long been loaded: hence no quarantine.
        "is_brief_level",
        "brief_level",
        "the close leaves its level 2.5-fold and is back within five sessions: another"
        " security's prices, or a very short frenzy",
        "warn",
    ),
)


def find_levels(bars: pd.DataFrame) -> pd.DataFrame:
    """Mark the bars whose close is off its neighbours' level.

    Args:
        bars: Bars with positive prices, one per (ticker, session_date), sorted by both, with
            `open`, `close`, `volume`, `undone_split` and `held_close`.

    Returns:
        One row per bar, on the same index, with the boolean that each of `LEVEL_RULES` forbids.
    """
    marks = {str(rule.arguments["column"]): np.zeros(len(bars), dtype=bool) for rule in LEVEL_RULES}
    if bars.empty:
        return pd.DataFrame(marks, index=bars.index)
    codes = bars["ticker"].factorize()[0]
    undone = bars["undone_split"].to_numpy(float)
    level = np.log(bars["close"].to_numpy(float) / undone)
    opened = np.log(bars["open"].to_numpy(float) / undone)
    off_held = np.log((bars["close"] / bars["held_close"]).to_numpy(float))
    volume = bars["volume"].to_numpy(float, na_value=np.nan)

    hundredfold = marks["is_hundredfold"] = _hundredfold(codes, level, off_held)
    split = marks["is_split_not_applied"] = not_restated(
        codes, level, opened, undone, ~np.isnan(off_held)
    )
    # What is explained already would look like a restatement, and its neighbours like steps.
    rest = np.flatnonzero(~(hundredfold | split))
    marks["is_restated"][rest] = _restated(codes[rest], off_held[rest])
    spike, surge_free = spikes(codes[rest], level[rest], volume[rest])
    # An index never trades, so that no volume says nothing of its close.
    untraded = spike & (volume[rest] == 0) & np.isin(codes[rest], codes[volume > 0])
    marks["is_spike"][rest] = spike & ~untraded
    marks["is_untraded_spike"][rest] = untraded
    marks["is_brief_level"][rest] = brief_levels(codes[rest], level[rest]) & ~spike
    rest, surge_free = rest[~spike], surge_free[~spike]
    unconfirmed, unexplained = edges(codes[rest], level[rest], surge_free, off_held[rest])
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
    table["storey"] = table.groupby("code")["jump"].cumsum()
    # The held closes decide, where there are any; else the storey with the most rows.
    agrees = np.abs(off_held[marked]) < HUNDRED_TOLERANCE
    table["votes"] = np.where(agrees, len(codes) + 1.0, 1.0)
    votes = table.groupby(["code", "storey"])["votes"].agg(["sum", "size"])
    best = votes.sort_values("sum").groupby("code").tail(1).reset_index("storey")
    rows = table.groupby("code").size()
    base = table["code"].map(best["storey"])
    proven = table["code"].map(best["sum"] > len(codes))
    clear = table["code"].map(1.0 - best["size"] / rows <= MINORITY)
    out[marked] = (table["storey"] != base) | ~(proven | clear)
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
