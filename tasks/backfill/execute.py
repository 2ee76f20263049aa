"""Execute a backfill's work items in chunks, and build the flow's final state."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.backfill import reporting
from tasks.backfill.adapter import BackfillAdapter
from tasks.backfill.plan import WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.plan.batched import batched
from tasks.run.context import OriginMismatch, open_run
from tasks.run.task_runner import TaskRunnerError
from tasks.run.totals import RunTotals
from warehouse.errors import WarehouseUnavailable


@dataclass
class BackfillResult:
    """Result of all chunks.

    Attributes:
        totals: Loaded rows, and items without data.
        chunk_count: Number of chunks.
        failures: One sentence per chunk that raised an error.
    """

    totals: RunTotals
    chunk_count: int
    failures: list[str] = field(default_factory=list)


def execute_plan(
    dataset: str,
    adapter: BackfillAdapter,
    work_items: Sequence[WorkItem],
    scope: ResolvedRequest,
) -> BackfillResult:
    """Extract, validate and load all work items, chunk by chunk.

    Each chunk is a run in `audit.run` with its own run lock, so scheduled runs get in between, and
    it commits batch by batch. A failed chunk does not stop the others, unless the cause (disk
    full, connection lost, another origin, no workers) affects them all.

    Raises:
        OriginMismatch: If the warehouse has data of another origin.
        TaskRunnerError: If the task runner cannot run shards.
        WarehouseUnavailable: If its server is gone or its disk is full.
    """
    chunks = list(batched(work_items, adapter.chunk_size(scope)))
    result = BackfillResult(RunTotals(), len(chunks))
    progress = reporting.Progress(dataset, len(work_items))
    with adapter.open_ingest(scope, work_items) as ingest_chunk:
        for number, chunk in enumerate(chunks, start=1):
            run = None
            try:
                # without an artifact: dozens of them would hide the plan and the result
                with open_run(
                    "backfill", scope.settings, adapter.provider, publish_artifact=False
                ) as run:
                    ingest_chunk(chunk, run)
            except (OriginMismatch, TaskRunnerError, WarehouseUnavailable):
                raise
            except Exception as error:
                items = chunk[0].item + (f" to {chunk[-1].item}" if len(chunk) > 1 else "")
                # the class only: a message may quote the provider's response
                failure = f"chunk {number} of {len(chunks)} ({items}) failed: "
                failure += type(error).__name__
                result.failures.append(failure)
                get_run_logger().error(failure, exc_info=error)
            if run is not None:
                result.totals.add(run)
            progress.advance(len(chunk), result.totals)
    return result


def build_final_state(
    result: BackfillResult,
    adapter: BackfillAdapter,
    scope: ResolvedRequest,
    plan_summary: str,
    derived: State,
) -> State:
    """Publish a backfill's result and remaining gaps, and return its final state.

    Args:
        result: Result of the chunks.
        adapter: The dataset's adapter.
        scope: The request.
        plan_summary: Summary of the plan: the message of a backfill without work items.
        derived: Final state of the derived tables.

    Returns:
        Completed; Completed with the name Degraded if items failed temporarily or some chunks
        failed; Failed if all chunks or the derived tables failed.
    """
    gaps = adapter.plan(scope).gaps
    reporting.publish_result(scope, result.totals, result.failures, gaps)
    if not result.chunk_count:
        result.totals.message = plan_summary
    message = "\n".join(
        [result.totals.summary(), *result.failures, reporting.summarize_missing(gaps)]
    )
    if derived.is_failed():
        return Failed(message=f"{message}\nDerived tables failed: {derived.message}")
    if result.chunk_count and len(result.failures) == result.chunk_count:
        return Failed(message=message)
    if result.failures or result.totals.degraded_reasons():
        return Completed(name="Degraded", message=message)
    return Completed(message=message)
