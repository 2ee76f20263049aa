"""Vintages of economic series: which windows to ask ALFRED for, and what the replies say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from tasks.extract.provider.fetch_log import typed_frame
from warehouse.reference import read_reference

OBSERVATION_COLUMNS = {
    "series_id": "str",
    "observation_date": "datetime64[s]",
    "vintage_date": "datetime64[s]",
    "value": "float64",
    "missing_reason": "str",
    "source": "str",
}
# FRED's own words for "since ever" and "until further notice"
FRED_MIN_DATE = date(1776, 7, 4)
FRED_MAX_DATE = date(9999, 12, 31)
# FRED refuses a window with more than 2,000 vintage dates; what is published between the two
# requests must fit in, too.
MAX_VINTAGES_PER_REQUEST = 1900


@dataclass(frozen=True)
class VintageWindow:
    """One real-time period to ask for.

    Attributes:
        start: Its first day.
        end: Its last day, included.
        start_is_exact: Whether rows that begin on the first day are to be kept. ALFRED clips the
            real-time start of every row to the window, so on the first day what was published
            then cannot be told from what had been valid for years.
    """

    start: date
    end: date
    start_is_exact: bool


def vintage_windows(
    vintage_dates: Iterable[date], last_vintage: date | None, size: int = MAX_VINTAGES_PER_REQUEST
) -> list[VintageWindow]:
    """The windows that bring every vintage not held yet, under FRED's limit.

    Neighbours share one vintage date: the earlier window shows which rows truly began on it, the
    later one shows them clipped, and drops them. In the same way a series that is held up to a
    vintage is asked from the vintage date *before* it. So the newest held vintage is read again
    each time, with its true dates: a series can change twice in a day, and the rows of the second
    change carry the same vintage date as those of the first. Skipping the request when no newer
    vintage date exists would miss them for good, as a later run cannot know at what hour the
    former one had asked; and asking again costs one request.

    Args:
        vintage_dates: All dates on which the series changed.
        last_vintage: The newest vintage held; None for none.
        size: The most vintage dates to put between two ends of a window.

    Returns:
        Windows in order; none when the series has no vintage.
    """
    dates = sorted(set(vintage_dates))
    if not dates:
        return []
    held = [day for day in dates if last_vintage is not None and day < last_vintage]
    if held:
        dates = dates[len(held) - 1 :]
    starts = dates[::size]
    if len(starts) > 1 and starts[-1] == dates[-1]:
        starts.pop()  # the window before it already ends on that day, or later
    windows = [
        VintageWindow(start, end, start_is_exact=False)
        for start, end in zip(starts, [*starts[1:], FRED_MAX_DATE], strict=True)
    ]
    if not held:
        windows[0] = VintageWindow(FRED_MIN_DATE, windows[0].end, start_is_exact=True)
    return windows


def merge_realtime_windows(parts: Sequence[tuple[VintageWindow, pd.DataFrame]]) -> pd.DataFrame:
    """The rows of all windows, without those whose real-time start is only a window's edge.

    Args:
        parts: Windows with their replies, each with `realtime_start`, `date` and `value`.

    Returns:
        One row per (date, realtime_start), with true real-time starts.
    """
    kept = []
    for window, frame in parts:
        if len(frame) == 0:
            continue
        starts = pd.to_datetime(frame["realtime_start"])
        is_clipped = starts <= pd.Timestamp(window.start)
        kept.append(frame if window.start_is_exact else frame[~is_clipped])
    kept = [frame for frame in kept if len(frame)]
    if not kept:
        return pd.DataFrame({"realtime_start": [], "date": [], "value": []})
    return pd.concat(kept, ignore_index=True)


def parse_releases(series_id: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Observations of one series with their vintages, from fredapi's frame.

    Args:
        series_id: FRED's id.
        frame: `realtime_start`, `date` and `value`, object columns as
            `Fred.get_series_all_releases` returns them.

    Returns:
        One row per (series_id, observation_date, vintage_date): `value` in the series' unit, NaN
        where FRED has '.', then `missing_reason` says why: not_observed, or the reason in the
        reference table macro_gaps; `source` is alfred.
    """
    # fredapi builds one column per observation and transposes: between two timestamps pandas
    # takes the NaN of a '.' for a NaT, which is no float.
    value = frame["value"].astype(object).where(frame["value"].notna(), float("nan"))
    rows = pd.DataFrame(
        {
            "series_id": series_id,
            "observation_date": pd.to_datetime(frame["date"]),
            "vintage_date": pd.to_datetime(frame["realtime_start"]),
            "value": value.astype("float64"),
        }
    )
    return add_missing_reason(rows, source="alfred")


def diff_against_stored(
    series_id: str, latest: pd.DataFrame, held: pd.DataFrame | None, fetched_on: date
) -> pd.DataFrame:
    """What the newest values of a series say that the held ones do not.

    Args:
        series_id: FRED's id.
        latest: `observation_date` and `value`, one row per observation, NaN where missing.
        held: The same, as held; None for nothing.
        fetched_on: The day on which `latest` was read; without ALFRED the true vintage is unknown,
            and this is the first day on which the value is known to have been public.

    Returns:
        One row per new or changed observation, columns as `parse_releases`; `source` is fredgraph.
    """
    rows = latest.assign(series_id=series_id, vintage_date=pd.Timestamp(fetched_on))
    if held is not None and len(held):
        known = pd.Series(
            held["value"].to_numpy("float64", na_value=float("nan")),
            index=pd.to_datetime(held["observation_date"]).dt.as_unit("s"),
        )
        days = rows["observation_date"].dt.as_unit("s")
        before = known.reindex(days).to_numpy()
        is_same = (rows["value"] == before) | (rows["value"].isna() & pd.isna(before))
        rows = rows[~(is_same & days.isin(known.index))]
    return add_missing_reason(rows, source="fredgraph")


def add_missing_reason(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    """Give every missing value its reason."""
    gaps = read_reference("macro_gaps")
    if len(rows) == 0:
        return typed_frame((), OBSERVATION_COLUMNS)
    rows = rows.assign(
        missing_reason=pd.Series("not_observed", index=rows.index, dtype="str"), source=source
    )
    for gap in gaps.to_dict("records"):
        is_gap = (rows["series_id"] == gap["series_id"]) & (
            rows["observation_date"] == pd.Timestamp(gap["observation_date"])
        )
        rows.loc[is_gap, "missing_reason"] = gap["reason"]
    rows["missing_reason"] = rows["missing_reason"].where(rows["value"].isna())
    return rows[list(OBSERVATION_COLUMNS)].astype(OBSERVATION_COLUMNS).reset_index(drop=True)
