"""Economic series with all their vintages, from ALFRED through fredapi; keyless as a fallback."""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.trading import new_york_date
from tasks.extract.fred.client import FredClient
from tasks.extract.fred.keyless_csv import fetch_fredgraph_csv
from tasks.extract.fred.vintages import (
    OBSERVATION_COLUMNS,
    diff_against_stored,
    merge_realtime_windows,
    parse_releases,
    vintage_windows,
)
from tasks.extract.provider.fetch_log import FetchRecord, Status, stack, to_frame, utc_now
from tasks.extract.provider.policy import FetchError, RateLimiter, RequestPolicy, get_rate_limiter
from warehouse.base_error import RotationError
from warehouse.settings import Settings

# fredapi puts the id into the URL as it is: an ampersand would add parameters.
SERIES_ID = re.compile(r"[A-Z0-9_]{1,25}")

logger = logging.getLogger(__name__)


class InvalidSeriesId(RotationError):
    """An id that must not be sent to FRED."""


@dataclass(frozen=True)
class SeriesRequest:
    """What to ask for one series.

    Attributes:
        series_id: FRED's id.
        latest_stored_vintage: The newest vintage held from ALFRED; None for none. Vintages dated
            by us from the keyless CSV do not count: those before them would never be asked for.
        stored_latest: `observation_date` and `value`, the newest held value of each observation,
            for the keyless CSV; None for nothing.
    """

    series_id: str
    latest_stored_vintage: date | None = None
    stored_latest: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse an id that is none, before anything is sent."""
        if not SERIES_ID.fullmatch(self.series_id):
            raise InvalidSeriesId(
                f"series_id {self.series_id!r} of a series request is no FRED id: expected"
                f" {SERIES_ID.pattern}; correct it where the series are listed"
            )

    @property
    def item(self) -> str:
        """The series, as the ledger names it."""
        return self.series_id


@dataclass(frozen=True)
class MacroExtract:
    """Observations as `parse_releases` returns them, and one fetch per request."""

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
    dealings: RequestPolicy | None = None,
) -> MacroExtract:
    """All vintages of some economic series that are not held yet.

    The newest vintage held comes again each time, as it may have grown since; see
    `vintage_windows`. Without `FRED_API_KEY` the keyless CSV is read instead: it has no vintages,
    so that a changed value gets the day on which it was seen.

    Args:
        requests: What to ask, one per series.
        now: The instant that counts as now, for the keyless vintage dates.
        settings: The `fred_` settings.
        dealings: Of the run with FRED, where it has several batches; None: these requests are
            the whole run.

    Returns:
        One row per (series_id, observation_date, vintage_date) in `observations`, one per request
        in `fetches`. A series is whole or absent, never partial.

    Source:
        https://api.stlouisfed.org/fred/series/observations and vintagedates; fallback
        https://fred.stlouisfed.org/graph/fredgraph.csv. Lags and revisions are each series' own.
        FRED's terms: attribution; some series belong to others (ICE BofA, Moody's).
    """
    if dealings is None:
        dealings = fred_request_policy(settings)
    limiter = get_rate_limiter("fred", settings.fred_requests_per_second)
    timeout = settings.fred_timeout_seconds
    if settings.fred_api_key is None:
        logger.warning(
            "FRED_API_KEY is not set: reading FRED's keyless CSV. It has no vintages, so values"
            " count as known from today on; with a key, history is known as it was published."
        )
        today = new_york_date(now)
        results = [
            _extract_keyless(request, today, dealings, limiter, timeout) for request in requests
        ]
    else:
        client = FredClient(settings.fred_api_key, limiter, timeout)
        results = [_extract_vintages(request, dealings, client) for request in requests]
    return MacroExtract(
        observations=stack((frame for frame, _ in results), OBSERVATION_COLUMNS),
        fetches=to_frame(fetch for _, fetch in results),
    )


def fred_request_policy(settings: Settings) -> RequestPolicy:
    """The dealings of one run with FRED."""
    return RequestPolicy(
        get_rate_limiter("fred", settings.fred_requests_per_second),
        attempts=settings.fred_attempts,
        backoff_seconds=settings.fred_backoff_seconds,
    )


_Result = tuple[pd.DataFrame, FetchRecord]


def _extract_vintages(
    request: SeriesRequest, dealings: RequestPolicy, client: FredClient
) -> _Result:
    fetch = _start_fetch("alfred", request)
    dates = dealings.call(lambda: client.vintage_dates(request.series_id))
    if dates.value is None:
        return fetch(dates.fault, dates.attempts)
    if not dates.value:
        fault = FetchError("empty", "no_data", f"FRED lists no vintage of {request.series_id}.")
        return fetch(fault, dates.attempts)
    attempts, parts = dates.attempts, []
    for window in vintage_windows(dates.value, request.latest_stored_vintage):
        answer = dealings.call(
            partial(client.all_releases, request.series_id, window.start, window.end)
        )
        attempts += answer.attempts
        if answer.value is None:
            return fetch(answer.fault, attempts)
        parts.append((window, answer.value))
    frame = parse_releases(request.series_id, merge_realtime_windows(parts))
    newest = max(dates.value)
    detail = f"{len(frame)} rows of {request.series_id}, vintages to {newest}."
    if request.latest_stored_vintage is not None and newest <= request.latest_stored_vintage:
        detail = f"No new vintage of {request.series_id}; that of {newest} was read again."
    return fetch(None, attempts, frame, detail)


def _extract_keyless(
    request: SeriesRequest, today: date, dealings: RequestPolicy, pace: RateLimiter, timeout: float
) -> _Result:
    fetch = _start_fetch("fredgraph", request)
    answer = dealings.call(lambda: fetch_fredgraph_csv(request.series_id, pace, timeout))
    if answer.value is None:
        return fetch(answer.fault, answer.attempts)
    if len(answer.value) == 0:
        fault = FetchError("empty", "no_data", f"The CSV of {request.series_id} has no row.")
        return fetch(fault, answer.attempts)
    frame = diff_against_stored(request.series_id, answer.value, request.stored_latest, today)
    detail = f"{len(frame)} of {len(answer.value)} values of {request.series_id} are new."
    return fetch(None, answer.attempts, frame, detail)


def _start_fetch(source: str, request: SeriesRequest) -> Callable[..., _Result]:
    """Begin a ledger entry; the function returned settles it."""
    started_at = utc_now()

    def finish(
        fault: FetchError | None,
        attempts: int,
        frame: pd.DataFrame | None = None,
        detail: str = "",
    ) -> _Result:
        status: Status = fault.status if fault else "loaded"
        rows = stack([] if frame is None else [frame], OBSERVATION_COLUMNS)
        return rows, FetchRecord(
            source=source,
            dataset="macro_observation",
            item=request.series_id,
            window_start=request.latest_stored_vintage,
            window_end=None,
            status=status,
            reason=fault.reason if fault else None,
            detail=fault.detail if fault else detail,
            rows=len(rows),
            attempts=attempts,
            started_at=started_at,
            finished_at=utc_now(),
        )

    return finish
