"""Record every requested item and its result, as rows of `audit.fetch`.

Every item of every batch gets exactly one `FetchRecord`, with or without rows, so that a missing
row can be explained later: throttled, empty, unknown and unavailable are different causes.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime

import pandas as pd

from tasks.extract.provider.errors import FetchError, Status
from tasks.extract.provider.frames import typed_frame

# reason code of a loaded fetch whose reply begins a year or more after the stored rows
LATER_START = "later_start"


@dataclass(frozen=True)
class FetchRecord:
    """Describe the request of one item and its result.

    Attributes:
        source: The provider or endpoint: yahoo, alfred, fredgraph, ishares,
            sec or tiingo.
        dataset: The name of the table that the rows are for.
        item: The ticker, series, fund, company or day.
        window_start: The first day requested; None if the provider chooses it.
        window_end: The last day requested, included; None if it is open. Of ishares and tiingo, the
            last day that the reply has.
        status: loaded (rows, or confirmed that nothing is new), empty (confirmed that the window
            has no rows), unreadable (rows of a standard or currency that is not read), not_found
            (item unknown to the provider), delisted (item no longer known
            to the provider, rows of it stored), throttled, outage, refused (request rejected, or
            rows rejected by validation).
        reason: The reason code; None if loaded, or LATER_START if the provider no longer serves the
            oldest year or more of the stored rows.
        detail: What happened and what to do, for people; never holds a secret.
        rows: The number of rows extracted.
        attempts: The number of attempts; 0 if the circuit breaker was open.
        started_at: The start of the first attempt, UTC.
        finished_at: The end of the last attempt, UTC.
    """

    source: str
    dataset: str
    item: str
    window_start: date | None
    window_end: date | None
    status: Status
    reason: str | None
    detail: str
    rows: int
    attempts: int
    started_at: datetime
    finished_at: datetime


_TYPES = {
    "window_start": "datetime64[s]",
    "window_end": "datetime64[s]",
    "rows": "int64",
    "attempts": "int64",
    "started_at": "datetime64[us, UTC]",
    "finished_at": "datetime64[us, UTC]",
}
FETCH_COLUMNS = {field.name: _TYPES.get(field.name, "str") for field in fields(FetchRecord)}


def utc_now() -> datetime:
    """Return this machine's time: fetch times measure waiting, so no simulated clock applies."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class StartedFetch:
    """Hold the start of a fetch; `finish` makes its record.

    Attributes:
        source: See `FetchRecord`, as the others.
    """

    source: str
    dataset: str
    item: str
    window_start: date | None
    window_end: date | None
    started_at: datetime = field(default_factory=utc_now)

    def finish(
        self,
        error: FetchError | None,
        attempts: int,
        rows: int = 0,
        detail: str = "",
        reason: str | None = None,
    ) -> FetchRecord:
        """Return the record of a fetch that ends now.

        Args:
            error: The last error; None if the fetch succeeded.
            attempts: The number of attempts.
            rows: The number of rows extracted.
            detail: A sentence about the rows; the error's own sentence replaces it.
            reason: The reason code of a loaded fetch; the error's own replaces it.
        """
        return FetchRecord(
            source=self.source,
            dataset=self.dataset,
            item=self.item,
            window_start=self.window_start,
            window_end=self.window_end,
            status=error.status if error else "loaded",
            reason=error.reason if error else reason,
            detail=error.detail if error else detail,
            rows=rows,
            attempts=attempts,
            started_at=self.started_at,
            finished_at=utc_now(),
        )


def to_frame(fetches: Iterable[FetchRecord]) -> pd.DataFrame:
    """Return fetch records as a frame.

    Returns:
        One row per record, columns `FETCH_COLUMNS`; days are datetime64[s], times UTC.
    """
    return typed_frame((asdict(fetch) for fetch in fetches), FETCH_COLUMNS)


def mark_validation_failed(fetches: pd.DataFrame, detail: str) -> pd.DataFrame:
    """Mark the loaded fetches of a batch as refused by validation.

    Args:
        fetches: The fetch records of the batch.
        detail: The critical rules that failed, as a sentence.
    """
    is_loaded = fetches["status"] == "loaded"
    marked = fetches.copy()
    marked.loc[is_loaded, ["status", "reason", "detail"]] = ["refused", "validation_failed", detail]
    return marked
