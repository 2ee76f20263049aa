"""A chunk that fails lets the others go on, unless its error affects them all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from prefect.logging import disable_run_logger

from tasks.backfill import reporting
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.execute import execute_plan
from tasks.backfill.plan import BackfillPlan, WorkItem
from tasks.backfill.request import resolve_request
from tasks.run.context import RunContext
from tasks.run.task_runner import TaskRunnerError
from warehouse.errors import WarehouseUnavailable
from warehouse.settings import Settings

NOW = datetime(2026, 2, 13, 23, tzinfo=UTC)
ITEMS = [WorkItem(ticker, None, "not_asked") for ticker in ("IWM", "KRE", "SPY", "XBI")]
STATES = "select state from audit.run where flow = 'backfill' order by run_id"


def adapter_of(ingest: Callable[[str], None]) -> BackfillAdapter:
    """An adapter with one item per chunk."""

    @contextmanager
    def open_ingest(_: object, __: object) -> Iterator[IngestChunk]:
        def ingest_chunk(chunk: Sequence[WorkItem], run: RunContext) -> None:
            ingest(chunk[0].item)

        yield ingest_chunk

    return BackfillAdapter(
        "yahoo", lambda _: BackfillPlan([], [], 0, 1.0), open_ingest, lambda _: 1
    )


@pytest.fixture
def execute(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple]]:
    """Executes the items, of which one raises an error; returns failures and ingested items."""
    # without the artifact, which needs a Prefect server
    monkeypatch.setattr(reporting.artifact, "upsert_artifact", lambda *_, **__: None)
    ingested: list[str] = []

    def run(broken: str, error: Exception) -> tuple[list[str], list[str]]:
        def ingest(item: str) -> None:
            if item == broken:
                raise error
            ingested.append(item)

        scope = resolve_request({}, ["prices"], NOW, settings)
        return execute_plan("prices", adapter_of(ingest), ITEMS, scope).failures, ingested

    with disable_run_logger():
        yield run


def test_a_chunk_that_fails_leaves_the_others_to_go_on(execute, settings, query):
    failures, ingested = execute("SPY", ValueError("a reply that may hold a key"))
    # the class alone
    assert failures == ["chunk 3 of 4 (SPY) failed: ValueError"]
    assert ingested == ["IWM", "KRE", "XBI"]
    states = [state for (state,) in query(settings, STATES)]
    assert states == ["completed", "completed", "failed", "completed"]


@pytest.mark.parametrize("error", [TaskRunnerError, WarehouseUnavailable])
def test_an_error_that_affects_all_chunks_ends_the_backfill(execute, settings, query, error):
    with pytest.raises(error, match="nothing works"):
        execute("KRE", error("nothing works"))
    assert [state for (state,) in query(settings, STATES)] == ["completed", "failed"]
