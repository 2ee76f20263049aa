"""Extract macro series with all their vintages from ALFRED, or newest values without a key."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.trading import new_york_date
from tasks.extract.fred.client import FredClient, fetch_fredgraph_csv
from tasks.extract.fred.parse import (
    OBSERVATION_COLUMNS,
    diff_against_stored,
    later_start,
    parse_releases,
)
from tasks.extract.fred.vintages import merge_realtime_windows, vintage_windows
from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.fetch_log import LATER_START, FetchRecord, StartedFetch, to_frame
from tasks.extract.provider.frames import concat_typed, typed_frame
from tasks.extract.provider.policy import RequestPolicy
from tasks.extract.provider.rate_limit import PostgresRateLimiter, RateLimiter, get_rate_limiter
from warehouse.base_error import RotationError
from warehouse.settings import Settings

# fredapi does not escape the id in the URL: an ampersand would add parameters.
SERIES_ID = re.compile(r"[A-Z0-9_]{1,25}")

logger = logging.getLogger(__name__)


class InvalidSeriesId(RotationError):
    """Reject an id that must not be sent to FRED."""


@dataclass(frozen=True)
class SeriesRequest:
    """Request one series.

    Attributes:
        series_id: FRED's id.
        latest_stored_vintage: The newest vintage stored from ALFRED; None if there is none. The
            dates given to rows of the keyless CSV do not count: older vintages would never be
            requested.
        stored_latest: `observation_date` and `value`, the newest stored value of each observation;
            None if there is none.
    """

    series_id: str
    latest_stored_vintage: date | None = None
    stored_latest: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Reject an invalid id before any request is sent."""
        if not SERIES_ID.fullmatch(self.series_id):
            raise InvalidSeriesId(
                f"series_id {self.series_id!r} of a series request is no FRED id: expected"
                f" {SERIES_ID.pattern}; correct it where the series are listed"
            )

    @property
    def item(self) -> str:
        """Return the series, the item of the fetch record."""
        return self.series_id


@dataclass(frozen=True)
class MacroExtract:
    """Hold observations as `parse_releases` returns them, and one fetch per request."""

    observations: pd.DataFrame
    fetches: pd.DataFrame


@task(
    name="extract macro",
    task_run_name="extract macro as of {now:%Y-%m-%d %H:%M}",
    cache_policy=NO_CACHE,
)
def extract_macro(
    requests: Sequence[SeriesRequest],
    now: datetime,
    settings: Settings,
    policy: RequestPolicy | None = None,
) -> MacroExtract:
    """Extract all vintages of some series that are not stored yet.

    The newest stored vintage is requested again each time, as it may have grown since; see
    `vintage_windows`. Without `FRED_API_KEY` the keyless CSV is read instead: it has no vintages,
    so a changed value gets the day of the request.

    Example:
        requests = [SeriesRequest("DGS10"), SeriesRequest("CPIAUCSL", date(2024, 5, 15))]
        extract = extract_macro.fn(requests, datetime.now(UTC), Settings())
        extract.observations[["series_id", "observation_date", "vintage_date", "value"]]

    Args:
        requests: One per series.
        now: The logical time, which dates the values of the keyless CSV.
        settings: The `fred_` settings.
        policy: The request policy of the run, shared by its batches; None without a warehouse:
            the rate limit then holds for this process.

    Returns:
        One row per (series_id, observation_date, vintage_date) in `observations`, one per request
        in `fetches`. A series is complete or absent, never partial.

    Source:
        https://api.stlouisfed.org/fred/series/observations and vintagedates; fallback
        https://fred.stlouisfed.org/graph/fredgraph.csv. Lags and revisions differ by series.
        FRED's terms: attribution; some series belong to others (ICE BofA, Moody's).
    """
    policy = policy or _request_policy(
        settings, get_rate_limiter("fred", settings.fred_requests_per_second)
    )
    if settings.fred_api_key is None:
        logger.warning(
            "FRED_API_KEY is not set: reading FRED's keyless CSV. It has no vintages, so values"
            " count as known from today on; with a key, history is known as it was published."
        )
        today, timeout = new_york_date(now), settings.fred_timeout_seconds
        results = [_extract_keyless(request, today, policy, timeout) for request in requests]
    else:
        client = FredClient(settings.fred_api_key, policy.limiter, settings.fred_timeout_seconds)
        results = [_extract_vintages(request, policy, client) for request in requests]
    return MacroExtract(
        observations=concat_typed((frame for frame, _ in results), OBSERVATION_COLUMNS),
        fetches=to_frame(fetch for _, fetch in results),
    )


@contextmanager
def open_fred_policy(settings: Settings) -> Iterator[RequestPolicy]:
    """Open the request policy of one run, whose rate limit holds for all processes."""
    rate = settings.fred_requests_per_second
    with closing(PostgresRateLimiter("fred", rate, settings)) as limiter:
        yield _request_policy(settings, limiter)


def _request_policy(settings: Settings, limiter: RateLimiter) -> RequestPolicy:
    return RequestPolicy(
        limiter, attempts=settings.fred_attempts, backoff_seconds=settings.fred_backoff_seconds
    )


_Result = tuple[pd.DataFrame, FetchRecord]
_NO_ROWS = typed_frame((), OBSERVATION_COLUMNS)


def _extract_vintages(request: SeriesRequest, policy: RequestPolicy, client: FredClient) -> _Result:
    fetch = _start_fetch("alfred", request)
    dates = policy.call(lambda: client.vintage_dates(request.series_id))
    if dates.value is None:
        return _NO_ROWS, fetch.finish(dates.error, dates.attempts)
    if not dates.value:
        error = FetchError("empty", "no_data", f"FRED lists no vintage of {request.series_id}.")
        return _NO_ROWS, fetch.finish(error, dates.attempts)
    attempts, parts = dates.attempts, []
    for window in vintage_windows(dates.value, request.latest_stored_vintage):
        result = policy.call(
            partial(client.all_releases, request.series_id, window.start, window.end)
        )
        attempts += result.attempts
        if result.value is None:
            return _NO_ROWS, fetch.finish(result.error, attempts)
        parts.append((window, result.value))
    frame = parse_releases(request.series_id, merge_realtime_windows(parts))
    newest = max(dates.value)
    detail = f"{len(frame)} rows of {request.series_id}, vintages to {newest}."
    if request.latest_stored_vintage is not None and newest <= request.latest_stored_vintage:
        detail = f"No new vintage of {request.series_id}; that of {newest} was read again."
    # the last window has all observations of today
    days = parts[-1][1]["date"]
    return frame, _finish_loaded(fetch, request, days, attempts, len(frame), detail)


def _extract_keyless(
    request: SeriesRequest, today: date, policy: RequestPolicy, timeout_seconds: float
) -> _Result:
    fetch = _start_fetch("fredgraph", request)
    result = policy.call(
        lambda: fetch_fredgraph_csv(request.series_id, policy.limiter, timeout_seconds)
    )
    if result.value is None:
        return _NO_ROWS, fetch.finish(result.error, result.attempts)
    if len(result.value) == 0:
        error = FetchError("empty", "no_data", f"The CSV of {request.series_id} has no row.")
        return _NO_ROWS, fetch.finish(error, result.attempts)
    frame = diff_against_stored(request.series_id, result.value, request.stored_latest, today)
    days = result.value["observation_date"]
    detail = f"{len(frame)} of {len(result.value)} values of {request.series_id} are new."
    return frame, _finish_loaded(fetch, request, days, result.attempts, len(frame), detail)


def _finish_loaded(
    fetch: StartedFetch,
    request: SeriesRequest,
    days: pd.Series,
    attempts: int,
    rows: int,
    detail: str,
) -> FetchRecord:
    """Return the record of rows; `days` are the observation dates that FRED serves today."""
    cut = later_start(request.series_id, request.stored_latest, days)
    return fetch.finish(None, attempts, rows, detail + cut, LATER_START if cut else None)


def _start_fetch(source: str, request: SeriesRequest) -> StartedFetch:
    return StartedFetch(
        source, "macro_observation", request.series_id, request.latest_stored_vintage, None
    )
