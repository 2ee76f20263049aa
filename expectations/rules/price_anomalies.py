"""Detect closes off the level of their neighbours, by cause.

A level is the logarithm of the close in the vendor's split adjustment, in which an applied split
leaves no jump. A row is compared with its neighbours in the reply and with the stored closes. Real
large moves (a biotech share closing at 15 times yesterday's price) come with a surge of volume and
are permanent.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expectations.contract import flag_rule
from expectations.rules.price_jumps import (
    differences,
    spikes,
    transient_levels,
    unconfirmed_and_unexplained_jumps,
)
from expectations.rules.unadjusted_splits import flag_unadjusted_rows

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

HUNDRED = np.log(100.0)
# 100 times, within a factor of two for the day's own move: no real close moves 50-fold in a day.
HUNDRED_TOLERANCE = np.log(2.0)
# Above 25% outliers neither side can be trusted (AET 2022: 9 correct closes among 14 wrong ones).
MAX_OUTLIER_SHARE = 0.25
# Corrections of single closes are below 2%; a split adjustment changes all closes by one ratio.
ADJUSTED_STEP, ADJUSTED_SPREAD, ADJUSTED_FRACTION = np.log(1.02), 0.01, 0.8
# A single stored close may have been corrected: require a ratio that only splits have.
ADJUSTED_STEP_ALONE = np.log(1.2)

LEVEL_RULES = (
    flag_rule(
        "is_off_by_100x",
        "price_off_by_100x",
        "the close is 100 times the level of its neighbours or 1/100 of it, as with cents for"
        " dollars; all rows if the right level is unknown",
    ),
    flag_rule(
        "is_split_not_applied",
        "split_not_applied",
        "the close is off its neighbours' level by the ratio of a split in the same reply: the"
        " vendor had not adjusted this row for the split",
    ),
    flag_rule(
        "is_adjusted_without_split",
        "adjusted_without_split",
        "the ticker's closes differ from the stored closes by one common ratio: the vendor adjusted"
        " them for a split that its reply does not list",
    ),
    flag_rule(
        "is_reverted_spike",
        "price_spike_reverted",
        "the close is 3 times the last close or 1/3 of it without a surge of volume, and the next"
        " close reverts",
    ),
    flag_rule(
        # TECX, 2024-06-21: 1.40 between 16.80 and 16.10 on no volume, a close from before a
        # reverse split. The vendor never corrected it, so it is stored as received.
        "is_untraded_spike",
        "untraded_spike",
        "the close is 3 times the last close or 1/3 of it without any volume, and the next close"
        " reverts: a quote without a trade",
        "warn",
    ),
    flag_rule(
        # If loaded today and found to be a spike tomorrow, the row would stay, and a history
        # loaded day by day would differ from one loaded at once.
        "is_unconfirmed_jump",
        "unconfirmed_jump",
        "the first or last close of the reply is 3 times its neighbour or 1/3 of it without a surge"
        " of volume: quarantined until the next session's close confirms it",
    ),
    flag_rule(
        # Listings, mergers and spin-offs change levels for good. The closes are right, but returns
        # are wrong without the action.
        "is_unexplained_jump",
        "unexplained_price_jump",
        "the close is 3 times the last close or 1/3 of it without a split or a surge of volume, and"
        " later closes confirm it: the vendor may lack a split, or the ticker was reused",
        "warn",
    ),
    flag_rule(
        # Detected up to five sessions later, when the rows are loaded: hence no quarantine.
        "is_transient_level",
        "transient_price_level",
        "the close leaves its level by a factor of 2.5 and reverts within five sessions: prices of"
        " another security, or a short squeeze",
        "warn",
    ),
)


def flag_price_anomalies(bars: pd.DataFrame) -> pd.DataFrame:
    """Flag bars whose close is off the level of its neighbours.

    Args:
        bars: Bars with positive prices, one per (ticker, session_date), sorted by both, with
            `open`, `close`, `volume`, `removed_split_factor` and `stored_close`.

    Returns:
        One row per bar, on the same index, with one boolean column per rule of `LEVEL_RULES`.
    """
    flags = {str(rule.arguments["column"]): np.zeros(len(bars), dtype=bool) for rule in LEVEL_RULES}
    if bars.empty:
        return pd.DataFrame(flags, index=bars.index)
    codes = bars["ticker"].factorize()[0]
    removed_factor = bars["removed_split_factor"].to_numpy(float)
    level = np.log(bars["close"].to_numpy(float) / removed_factor)
    open_level = np.log(bars["open"].to_numpy(float) / removed_factor)
    log_diff_to_stored = np.log((bars["close"] / bars["stored_close"]).to_numpy(float))
    volume = bars["volume"].to_numpy(float, na_value=np.nan)

    split = flags["is_split_not_applied"] = flag_unadjusted_rows(
        codes, level, open_level, removed_factor, ~np.isnan(log_diff_to_stored)
    )
    # Rows explained so far would look like adjusted rows, and their neighbours like jumps. A
    # listed 1:100 split explains more than cents for dollars, which would put all rows aside.
    rest = np.flatnonzero(~split)
    flags["is_off_by_100x"][rest] = _off_by_100x(codes[rest], level[rest], log_diff_to_stored[rest])
    rest = np.flatnonzero(~(flags["is_off_by_100x"] | split))
    flags["is_adjusted_without_split"][rest] = _adjusted(codes[rest], log_diff_to_stored[rest])
    spike, has_no_volume_surge = spikes(codes[rest], level[rest], volume[rest])
    # Indexes never have a volume, so a missing volume is no evidence about their closes.
    untraded = spike & (volume[rest] == 0) & np.isin(codes[rest], codes[volume > 0])
    flags["is_reverted_spike"][rest] = spike & ~untraded
    flags["is_untraded_spike"][rest] = untraded
    flags["is_transient_level"][rest] = transient_levels(codes[rest], level[rest]) & ~spike
    rest, has_no_volume_surge = rest[~spike], has_no_volume_surge[~spike]
    unconfirmed, unexplained = unconfirmed_and_unexplained_jumps(
        codes[rest], level[rest], has_no_volume_surge, log_diff_to_stored[rest]
    )
    flags["is_unconfirmed_jump"][rest] = unconfirmed
    flags["is_unexplained_jump"][rest] = unexplained
    return pd.DataFrame(flags, index=bars.index)


def _off_by_100x(codes: NDArray[np.intp], level: Floats, log_diff_to_stored: Floats) -> Flags:
    """Return rows 100 times too large or too small (pence for pounds, cents for dollars)."""
    step = np.nan_to_num(differences(codes, level))
    jump = np.where(np.abs(np.abs(step) - HUNDRED) <= HUNDRED_TOLERANCE, np.sign(step), 0.0)
    has_jump = np.isin(codes, codes[jump != 0])
    out = np.zeros(len(codes), dtype=bool)
    if not has_jump.any():
        return out
    table = pd.DataFrame({"code": codes, "jump": jump})[has_jump]
    table["level_group"] = table.groupby("code")["jump"].cumsum()
    # Stored closes decide, if any; else the level with the most rows.
    agrees = np.abs(log_diff_to_stored[has_jump]) < HUNDRED_TOLERANCE
    table["votes"] = np.where(agrees, len(codes) + 1.0, 1.0)
    votes = table.groupby(["code", "level_group"])["votes"].agg(["sum", "size"])
    best = votes.sort_values("sum").groupby("code").tail(1).reset_index("level_group")
    rows = table.groupby("code").size()
    base = table["code"].map(best["level_group"])
    proven = table["code"].map(best["sum"] > len(codes))
    clear = table["code"].map(1.0 - best["size"] / rows <= MAX_OUTLIER_SHARE)
    out[has_jump] = (table["level_group"] != base) | ~(proven | clear)
    return out


def _adjusted(codes: NDArray[np.intp], log_diff_to_stored: Floats) -> Flags:
    """Return all rows of tickers whose closes differ from the stored ones by a common ratio."""
    overlap = pd.DataFrame({"code": codes, "off": log_diff_to_stored}).dropna()
    middle = overlap.groupby("code")["off"].transform("median")
    overlap["near"] = (overlap["off"] - middle).abs() <= ADJUSTED_SPREAD
    found = overlap.groupby("code").agg(
        off=("off", "median"), near=("near", "mean"), rows=("off", "size")
    )
    min_step = np.where(found["rows"] > 1, ADJUSTED_STEP, ADJUSTED_STEP_ALONE)
    common = (found["near"] >= ADJUSTED_FRACTION) & (found["off"].abs() > min_step)
    return np.isin(codes, found.index[common])
