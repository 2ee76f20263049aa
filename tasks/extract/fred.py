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

from expectations.sessions import new_york_date
from tasks.extract.fred_client import FredClient
from tasks.extract.fredgraph import fetch_latest
from tasks.extract.ledger import Fetch, Status, stack, to_frame, utc_now
from tasks.extract.politeness import Dealings, Fault, Provider, provider
from tasks.extract.vintages import (
    OBSERVATION_COLUMNS,
    changed_observations,
    merge_windows,
    parse_releases,
    vintage_windows,
)
from warehouse.settings import Settings

# fredapi puts the id into the URL as it is: an ampersand would add parameters.
SERIES_ID = re.compile(r"[A-Z0-9_]{1,25}")

logger = logging.getLogger(__name__)


class InvalidSeriesId(ValueError):
    """An id that must not be sent to FRED."""


@dataclass(frozen=True)
class SeriesRequest:
    """What to ask for one series.

    Attributes:
        series_id: FRED's id.
        last_vintage: The newest vintage held from ALFRED; None for none. Vintages dated by us
            from the keyless CSV do not count: those before them would never be asked for.
        held_latest: `observation_date` and `value`, the newest held value of each observation,
            for the keyless CSV; None for nothing.
    """

    series_id: str
    last_vintage: date | None = None
    held_latest: pd.DataFrame | None = None

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
class MacroBatch:
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
    dealings: Dealings | None = None,
) -> MacroBatch:
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
        dealings = dealings_with_fred(settings)
    pace = provider("fred", settings.fred_requests_per_second)
    timeout = settings.fred_timeout_seconds
    if settings.fred_api_key is None:
        logger.warning(
            "FRED_API_KEY is not set: reading FRED's keyless CSV. It has no vintages, so values"
            " count as known from today on; with a key, history is known as it was published."
        )
        today = new_york_date(now)
        results = [_extract_latest(request, today, dealings, pace, timeout) for request in requests]
    else:
        client = FredClient(settings.fred_api_key, pace, timeout)
        results = [_extract_vintages(request, dealings, client) for request in requests]
    return MacroBatch(
        observations=stack((frame for frame, _ in results), OBSERVATION_COLUMNS),
        fetches=to_frame(fetch for _, fetch in results),
    )


def dealings_with_fred(settings: Settings) -> Dealings:
    """The dealings of one run with FRED."""
    return Dealings(
        provider("fred", settings.fred_requests_per_second),
        attempts=settings.fred_attempts,
        backoff_seconds=settings.fred_backoff_seconds,
    )


_Result = tuple[pd.DataFrame, Fetch]


def _extract_vintages(request: SeriesRequest, dealings: Dealings, client: FredClient) -> _Result:
    fetch = _opened("alfred", request)
    dates = dealings.ask(lambda: client.vintage_dates(request.series_id))
    if dates.value is None:
        return fetch(dates.fault, dates.attempts)
    if not dates.value:
        fault = Fault(
            "empty", "no_rows_in_window", f"FRED lists no vintage of {request.series_id}."
        )
        return fetch(fault, dates.attempts)
    attempts, parts = dates.attempts, []
    for window in vintage_windows(dates.value, request.last_vintage):
        answer = dealings.ask(partial(client.releases, request.series_id, window.start, window.end))
        attempts += answer.attempts
        if answer.value is None:
            return fetch(answer.fault, attempts)
        parts.append((window, answer.value))
    frame = parse_releases(request.series_id, merge_windows(parts))
    newest = max(dates.value)
    detail = f"{len(frame)} rows of {request.series_id}, vintages to {newest}."
    if request.last_vintage is not None and newest <= request.last_vintage:
        detail = f"No new vintage of {request.series_id}; that of {newest} was read again."
    return fetch(None, attempts, frame, detail)


def _extract_latest(
    request: SeriesRequest, today: date, dealings: Dealings, pace: Provider, timeout: float
) -> _Result:
    fetch = _opened("fredgraph", request)
    answer = dealings.ask(lambda: fetch_latest(request.series_id, pace, timeout))
    if answer.value is None:
        return fetch(answer.fault, answer.attempts)
    if len(answer.value) == 0:
        fault = Fault("empty", "no_rows_in_window", f"The CSV of {request.series_id} has no row.")
        return fetch(fault, answer.attempts)
    frame = changed_observations(request.series_id, answer.value, request.held_latest, today)
    detail = f"{len(frame)} of {len(answer.value)} values of {request.series_id} are new."
    return fetch(None, answer.attempts, frame, detail)


def _opened(source: str, request: SeriesRequest) -> Callable[..., _Result]:
    """Begin a ledger entry; the function returned settles it."""
    started_at = utc_now()

    def settle(
        fault: Fault | None,
        attempts: int,
        frame: pd.DataFrame | None = None,
        detail: str = "",
    ) -> _Result:
        status: Status = fault.status if fault else "loaded"
        rows = stack([] if frame is None else [frame], OBSERVATION_COLUMNS)
        return rows, Fetch(
            source=source,
            dataset="macro_observation",
            item=request.series_id,
            window_start=request.last_vintage,
            window_end=None,
            status=status,
            reason=fault.reason if fault else None,
            detail=fault.detail if fault else detail,
            rows=len(rows),
            attempts=attempts,
            started_at=started_at,
            finished_at=utc_now(),
        )

    return settle
