"""The fetch ledger: what was asked of a provider, and what became of it.

Every item of every batch leaves exactly one `Fetch`, whether it brought rows or not, so that a
missing row can be explained later: throttled, empty, unknown or an outage are different things.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any, Literal

import pandas as pd

Status = Literal["loaded", "empty", "not_found", "delisted", "throttled", "outage", "refused"]


@dataclass(frozen=True)
class FetchRecord:
    """What became of one item asked of a provider.

    Attributes:
        source: The provider: yahoo, alfred, fredgraph, ishares or sec.
        dataset: The table that the rows are for.
        item: The ticker, series, fund, company or day.
        window_start: The first day asked for; None where the provider chooses.
        window_end: The last day asked for, included; None where it is open.
        status: loaded (it answered with rows, or with nothing new), empty (it answered that
            there is nothing in the window), not_found (it does not know the item), delisted (it
            no longer knows an item whose rows we hold), throttled, outage, refused.
        reason: One machine word for the cause; None when loaded.
        detail: What happened, where and what to do, for people; never holds a secret.
        rows: Rows handed on.
        attempts: How often the provider was asked; 0 when a batch ended before its turn.
        started_at: When this item's turn came, UTC.
        finished_at: When it was settled, UTC.
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


def to_frame(fetches: Iterable[FetchRecord]) -> pd.DataFrame:
    """The ledger as a frame.

    Returns:
        One row per fetch, columns as in `Fetch`; days are datetime64[s], instants UTC.
    """
    return typed_frame((asdict(fetch) for fetch in fetches), FETCH_COLUMNS)


def typed_frame(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """A frame of exactly these columns and dtypes, also when there are no rows.

    Typing empty frames matters: pandas would make them object columns, and a concatenation with
    them would change the types of a whole batch.
    """
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.astype(dict(columns))


def stack(frames: Iterable[pd.DataFrame], columns: Mapping[str, str]) -> pd.DataFrame:
    """All frames one after another, typed, also when there are none."""
    kept = [frame for frame in frames if len(frame)]
    if not kept:
        return typed_frame((), columns)
    return pd.concat(kept, ignore_index=True)[list(columns)].astype(dict(columns))


def mark_validation_failed(fetches: pd.DataFrame, why: str) -> pd.DataFrame:
    """The ledger of a batch that validation refused: what came was not loaded.

    Args:
        fetches: The batch's ledger.
        why: The sentence for people.
    """
    is_loaded = fetches["status"] == "loaded"
    out = fetches.copy()
    out.loc[is_loaded, ["status", "reason", "detail"]] = ["refused", "validation_failed", why]
    return out


def utc_now() -> datetime:
    """This machine's clock. Ledger times measure waiting, so a simulated clock does not apply."""
    return datetime.now(UTC)
