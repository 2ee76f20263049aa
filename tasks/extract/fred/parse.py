"""Parse FRED's replies: vintages from its API, newest values from its keyless CSV."""

import io
from datetime import date

import pandas as pd

from tasks.extract.provider.errors import outage
from tasks.extract.provider.frames import typed_frame
from warehouse.reference import read_reference

OBSERVATION_COLUMNS = {
    "series_id": "str",
    "observation_date": "datetime64[s]",
    "vintage_date": "datetime64[s]",
    "value": "float64",
    "missing_reason": "str",
    "source": "str",
}
MIN_CUT = pd.Timedelta(days=366)


def parse_fredgraph_csv(series_id: str, text: str) -> pd.DataFrame:
    """Return the observations of one keyless CSV, which has no vintages.

    Returns:
        One row per observation_date: `observation_date` (datetime64[s]), `value` (float64, NaN
        if the cell is blank or '.').

    Raises:
        FetchError: The text is not that series' CSV (a page, or several series at once).
    """
    # the first column was called DATE until December 2024
    header = text.split("\n", 1)[0].strip()
    if header not in (f"observation_date,{series_id}", f"DATE,{series_id}"):
        reason = "html" if text.lstrip()[:1] == "<" else "not_csv"
        raise outage(reason, f"The reply of fredgraph.csv for {series_id} is no CSV: {text[:80]!r}")
    try:
        rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        days, values = rows.iloc[:, 0], rows.iloc[:, 1].replace({"": None, ".": None})
        return pd.DataFrame(
            {
                "observation_date": pd.to_datetime(days, format="%Y-%m-%d").dt.as_unit("s"),
                "value": pd.to_numeric(values).astype("float64"),
            }
        )
    except ValueError as error:
        raise outage("not_csv", f"fredgraph.csv of {series_id}: {error}") from error


def parse_releases(series_id: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the observations of one series with their vintages, from fredapi's frame.

    Args:
        series_id: FRED's id.
        frame: `realtime_start`, `date` and `value`, as `FredClient.all_releases` returns them.

    Returns:
        One row per (series_id, observation_date, vintage_date): `value` in the series' unit, NaN
        if FRED has '.'; `missing_reason` then is not_observed, or the reason in the reference
        table macro_gaps; `source` is alfred.
    """
    rows = pd.DataFrame(
        {
            "series_id": series_id,
            "observation_date": pd.to_datetime(frame["date"]),
            "vintage_date": pd.to_datetime(frame["realtime_start"]),
            "value": frame["value"].astype("float64"),
        }
    )
    return add_missing_reason(rows, source="alfred")


def diff_against_stored(
    series_id: str, latest: pd.DataFrame, stored: pd.DataFrame | None, fetched_on: date
) -> pd.DataFrame:
    """Return the newest values of a series that differ from the stored ones.

    Args:
        series_id: FRED's id.
        latest: `observation_date` and `value`, one row per observation, NaN if missing.
        stored: The stored observations in the same form; None if there are none.
        fetched_on: The day of the request; without ALFRED the vintage is unknown, and this is the
            first day on which the value is known to be public.

    Returns:
        One row per new or changed observation, columns as `parse_releases`; `source` is fredgraph.
    """
    rows = latest.assign(series_id=series_id, vintage_date=pd.Timestamp(fetched_on))
    if stored is not None and len(stored):
        stored_values = pd.Series(
            stored["value"].to_numpy("float64", na_value=float("nan")),
            index=pd.to_datetime(stored["observation_date"]).dt.as_unit("s"),
        )
        days = rows["observation_date"].dt.as_unit("s")
        previous = stored_values.reindex(days).to_numpy()
        is_same = (rows["value"] == previous) | (rows["value"].isna() & pd.isna(previous))
        rows = rows[~(is_same & days.isin(stored_values.index))]
    return add_missing_reason(rows, source="fredgraph")


def later_start(series_id: str, stored: pd.DataFrame | None, served: pd.Series) -> str:
    """Return a sentence if FRED serves a series from a much later day on than it is stored.

    Licensed series are served for three years only: the start moves by years when that begins, and
    by a day each day from then on.

    Args:
        series_id: FRED's id.
        stored: `observation_date` of the stored observations; None if there are none.
        served: The observation dates of a reply with all observations of today.
    """
    if stored is None:
        return ""
    start = pd.to_datetime(served).min()
    # of no observation stored the difference is NaT, which is no cut
    if not start - stored["observation_date"].min() >= MIN_CUT:
        return ""
    count = int((stored["observation_date"] < start).sum())
    return (
        f" FRED serves no observation of {series_id} before {start:%Y-%m-%d} any more; {count:,}"
        f" stored since {stored['observation_date'].min():%Y-%m-%d} are kept."
    )


def add_missing_reason(rows: pd.DataFrame, source: str) -> pd.DataFrame:
    """Add the reason of each missing value, from reference table macro_gaps."""
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
