"""The logical time of the tests of backfills, and rows of the fetch log."""

from collections.abc import Callable

import pytest

from tests.audit_rows import new_run, note_fetch
from warehouse.settings import Settings

RecordFetch = Callable[..., int]


@pytest.fixture
def record_fetch(settings: Settings) -> RecordFetch:
    """Record a fetch by a run with a logical time; return the run id."""

    def record(
        dataset: str,
        item: str,
        status: str = "loaded",
        at: str = "2026-02-13 22:00+00",
        start: str | None = None,
        end: str | None = None,
        reason: str | None = None,
    ) -> int:
        run_id = new_run(settings, at)
        reason = reason or (None if status == "loaded" else status)
        note_fetch(settings, run_id, dataset, item, status, reason, end or start, start)
        return run_id

    return record
