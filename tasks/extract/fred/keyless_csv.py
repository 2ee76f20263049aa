"""FRED's keyless CSV: the newest value of every observation, without vintages."""

import io

import httpx
import pandas as pd

from tasks.extract.provider.http import USER_AGENT, download
from tasks.extract.provider.policy import FetchError, RateLimiter

URL = "https://fred.stlouisfed.org/graph/fredgraph.csv?id={series_id}"


def fetch_fredgraph_csv(
    series_id: str, provider: RateLimiter, timeout_seconds: float
) -> pd.DataFrame:
    """The newest values of one series.

    Raises:
        Fault: There is no usable file. An unknown series is a 404 here.
    """
    with httpx.Client(
        timeout=timeout_seconds, headers={"User-Agent": USER_AGENT}, follow_redirects=True
    ) as client:
        try:
            response = download(client, provider, URL.format(series_id=series_id), series_id)
        except FetchError as fault:
            if fault.reason == "http_404":
                raise FetchError(
                    "not_found", "unknown_series", f"FRED has no CSV of {series_id}."
                ) from fault
            raise
    return parse_latest(series_id, response.text)


def parse_latest(series_id: str, text: str) -> pd.DataFrame:
    """The observations of one CSV.

    Returns:
        One row per observation_date: `observation_date` (datetime64[s]), `value` (float64, NaN
        where the cell is blank or '.').

    Raises:
        Fault: The text is not that series' CSV (a page, or several series at once).
    """
    reason = "html" if text.lstrip()[:1] == "<" else "not_csv"
    # the first column was called DATE until December 2024
    header = text.split("\n", 1)[0].strip()
    if header not in (f"observation_date,{series_id}", f"DATE,{series_id}"):
        raise FetchError(
            "outage",
            reason,
            f"What fredgraph.csv sent for {series_id} is not its CSV: {text[:80]!r}",
            is_retryable=True,
        )
    try:
        rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        rows.columns = pd.Index(["observation_date", "value"])
        return pd.DataFrame(
            {
                "observation_date": pd.to_datetime(
                    rows["observation_date"], format="%Y-%m-%d"
                ).dt.as_unit("s"),
                "value": pd.to_numeric(rows["value"].replace({"": None, ".": None})).astype(
                    "float64"
                ),
            }
        )
    except ValueError as error:
        raise FetchError(
            "outage", "not_csv", f"fredgraph.csv of {series_id}: {error}", is_retryable=True
        ) from error
