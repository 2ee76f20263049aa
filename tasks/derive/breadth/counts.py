"""Counts index members per session and sector by the direction of their closes.

Prices are compared as whole micro-dollars and returns are summed as whole steps of 1e-10. Sums of
whole numbers have no rounding and no order, so a session's counts have the same bits
however many sessions are derived at once.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tasks.derive.breadth.membership_matrix import MembershipMatrix, build_membership_matrix

SMA_WINDOWS = (20, 50, 200)
HIGH_LOW_WINDOW = 252
# closes before the first derived session that its longest window needs
LOOKBACK_CLOSES = HIGH_LOW_WINDOW - 1

MICRO_DOLLARS = 1e6
RETURN_SCALE = 1e10

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class BreadthCounts:
    """Counts as arrays of one row per session and one column per sector.

    Attributes:
        sessions: Sessions on which at least one of that day's members has a bar, in order.
        members: Who was in the index on each session.
        values: Column name to its numbers: `members`, `priced`, `advancers`, `decliners`,
            `unchanged`, `advancing_volume`, `declining_volume`, per span `eligible_N` and
            `above_N`, `eligible_252`, `new_highs_252`, `new_lows_252`; and, in steps of 1e-10,
            `return_sum`, `weighted_return_sum` (percent weights) and `weight_sum`.
    """

    sessions: NDArray[np.int32]
    members: MembershipMatrix
    values: dict[str, Ints]


def count_members(
    bars: pl.DataFrame, snapshots: pl.DataFrame, start: date, previous_session: date | None
) -> BreadthCounts:
    """Count an index's members from a session on.

    Args:
        bars: One row per bar of the members, with `LOOKBACK_CLOSES` bars of each before `start`
            where it has so many: `instrument_id`, `session_date`, `close` and `volume` as
            traded, `split_factor`.
        snapshots: The index's members from `start` on: `as_of_date`, `known_from`,
            `instrument_id`, `sector`, `weight_pct`.
        start: The first day to count.
        previous_session: The index's last session before `start`; None: there is none.
    """
    members = build_membership_matrix(snapshots)
    bars = _in_order(bars)
    day = bars["session_date"].to_physical().to_numpy()
    instrument = np.searchsorted(members.instruments, bars["instrument_id"].to_numpy())
    adjusted = bars["close"].to_numpy() * bars["split_factor"].to_numpy()
    micro = np.rint(adjusted * MICRO_DOLLARS).astype(np.int64)
    is_first = np.ones(len(day), dtype=bool)
    is_first[1:] = instrument[1:] != instrument[:-1]
    place = np.arange(len(day)) - np.flatnonzero(is_first)[np.cumsum(is_first) - 1]

    sector, weight = members.sector_and_weight_of(day, instrument)
    counted = np.flatnonzero((sector >= 0) & (day >= _day_number(start)))
    sessions, row, before = _number_sessions(day[counted], previous_session)
    cell = row * members.width + sector[counted]
    shape = (len(sessions), members.width)

    def count(flags: Flags) -> Ints:
        return np.bincount(cell[flags], minlength=shape[0] * shape[1]).reshape(shape)

    def total(flags: Flags, whole: NDArray[np.float64]) -> Ints:
        # whole numbers below 2**53 add up exactly in double precision
        sums = np.bincount(cell[flags], weights=whole, minlength=shape[0] * shape[1])
        return sums.astype(np.int64).reshape(shape)

    last = np.maximum(counted - 1, 0)
    priced = ~is_first[counted] & (day[last] == before[row])
    step = np.where(priced, micro[counted] - micro[last], 0)
    up, down = step > 0, step < 0
    volume = bars["volume"].fill_null(0).to_numpy()[counted]
    values = {
        "members": members.member_counts_on(sessions),
        "priced": count(priced),
        "advancers": count(up),
        "decliners": count(down),
        "unchanged": count(priced & (step == 0)),
        "advancing_volume": total(up, volume[up]),
        "declining_volume": total(down, volume[down]),
    }
    for span in SMA_WINDOWS:
        is_full = (place >= span - 1)[counted]
        values[f"eligible_{span}"] = count(is_full)
        values[f"above_{span}"] = count(is_full & _is_above_mean(micro, span)[counted])
    is_full = (place >= HIGH_LOW_WINDOW - 1)[counted]
    values[f"eligible_{HIGH_LOW_WINDOW}"] = count(is_full)
    for name, of_two in (("highs", np.maximum), ("lows", np.minimum)):
        is_extreme = (_extreme(micro, HIGH_LOW_WINDOW, of_two) == micro)[counted]
        values[f"new_{name}_{HIGH_LOW_WINDOW}"] = count(is_full & is_extreme)

    now, then = counted[priced], last[priced]
    returns = adjusted[now] / adjusted[then] - 1
    percent = weight[now]
    values["return_sum"] = total(priced, np.rint(returns * RETURN_SCALE))
    values["weighted_return_sum"] = total(priced, np.rint(percent * returns * RETURN_SCALE))
    values["weight_sum"] = total(priced, np.rint(percent * RETURN_SCALE))
    return BreadthCounts(sessions, members, values)


def _in_order(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the bars sorted by instrument and session; unchanged if they are sorted."""
    key = bars["instrument_id"].to_numpy().astype(np.int64) << 32
    key += bars["session_date"].to_physical().to_numpy()
    return bars if bool((key[1:] > key[:-1]).all()) else bars[np.argsort(key, kind="stable")]


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _number_sessions(
    days: NDArray[np.int32], previous_session: date | None
) -> tuple[NDArray[np.int32], Ints, NDArray[np.int32]]:
    """Return the distinct days, the row of each bar's day, and the session before each."""
    if not len(days):
        return days, days.astype(np.int64), days
    first = days.min()
    is_session = np.zeros(days.max() - first + 1, dtype=bool)
    is_session[days - first] = True
    sessions = (np.flatnonzero(is_session) + first).astype(np.int32)
    row = (np.cumsum(is_session) - 1)[days - first]
    # no bar has the least of all days
    none = np.iinfo(np.int32).min
    before = np.concatenate(
        [[none if previous_session is None else _day_number(previous_session)], sessions[:-1]]
    )
    return sessions, row, before.astype(np.int32)


def _is_above_mean(values: Ints, span: int) -> Flags:
    """Return whether each value is above the mean of the last `span`, itself included.

    The running total may overflow 2**63: its differences stay right.
    """
    total = np.concatenate([[0], np.cumsum(values)])
    out = np.zeros(len(values), dtype=bool)
    out[span - 1 :] = values[span - 1 :] * span > total[span:] - total[:-span]
    return out


def _extreme(values: Ints, span: int, of_two: np.ufunc) -> Ints:
    """Return the extreme of the last `span` values, by doubling: of 2, 4, 8 and so on.

    Two windows of the greatest power of two, one from each end, cover the span.
    """
    out, covered = values.copy(), 1
    while covered * 2 <= span:
        out[covered:] = of_two(out[covered:], out[:-covered])
        covered *= 2
    rest = span - covered
    out[rest:] = of_two(out[rest:], out[: max(len(out) - rest, 0)])
    return out
