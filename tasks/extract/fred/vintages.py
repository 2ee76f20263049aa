"""Split a series' vintages into windows of ALFRED requests, and merge the replies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

# FRED's own bounds of an open real-time period
FRED_MIN_DATE = date(1776, 7, 4)
FRED_MAX_DATE = date(9999, 12, 31)
# FRED refuses a window with more than 2,000 vintage dates; the margin is for vintages published
# between the request of the dates and that of the window.
MAX_VINTAGES_PER_REQUEST = 1900


@dataclass(frozen=True)
class VintageWindow:
    """Describe the real-time period of one request.

    Attributes:
        start: Its first day.
        end: Its last day, included.
        start_is_exact: Whether rows that begin on the first day are kept. ALFRED clips the
            real-time start of every row to the window, so a value published on the first day
            looks like one that had been valid for years.
    """

    start: date
    end: date
    start_is_exact: bool


def vintage_windows(
    vintage_dates: Iterable[date], last_vintage: date | None, size: int = MAX_VINTAGES_PER_REQUEST
) -> list[VintageWindow]:
    """Return the windows to request for all vintages not stored yet, under FRED's limit.

    Neighbouring windows share one vintage date: the earlier window shows which rows began on it;
    the later one shows them clipped and drops them. For the same reason a series stored up to a
    vintage is requested from the vintage date before it. The newest stored vintage is therefore
    requested again each time, with its exact dates: a series can change twice in a day, with the
    same vintage date. Skipping the request if no newer vintage date exists would lose the second
    change, as a later run does not know the hour of the former request.

    Args:
        vintage_dates: All dates on which the series changed.
        last_vintage: The newest stored vintage; None if there is none.
        size: The maximum number of vintage dates per window.

    Returns:
        Windows in order; none if the series has no vintage.
    """
    dates = sorted(set(vintage_dates))
    if not dates:
        return []
    stored = [day for day in dates if last_vintage is not None and day < last_vintage]
    if stored:
        dates = dates[len(stored) - 1 :]
    starts = dates[::size]
    if len(starts) > 1 and starts[-1] == dates[-1]:
        starts.pop()  # the window before it already includes that day
    windows = [
        VintageWindow(start, end, start_is_exact=False)
        for start, end in zip(starts, [*starts[1:], FRED_MAX_DATE], strict=True)
    ]
    if not stored:
        windows[0] = VintageWindow(FRED_MIN_DATE, windows[0].end, start_is_exact=True)
    return windows


def merge_realtime_windows(parts: Sequence[tuple[VintageWindow, pd.DataFrame]]) -> pd.DataFrame:
    """Concatenate the rows of all windows, without those clipped to a window's start.

    Args:
        parts: Windows with their replies, each with `realtime_start`, `date` and `value`.

    Returns:
        One row per (date, realtime_start), with exact real-time starts.
    """
    frames = []
    for window, frame in parts:
        if len(frame) == 0:
            continue
        starts = pd.to_datetime(frame["realtime_start"])
        is_clipped = starts <= pd.Timestamp(window.start)
        frames.append(frame if window.start_is_exact else frame[~is_clipped])
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        return pd.DataFrame({"realtime_start": [], "date": [], "value": []})
    return pd.concat(frames, ignore_index=True)
