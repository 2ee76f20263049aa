"""Works a backfill's needs off, chunk by chunk, and says how far it is."""

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
from tasks.run.totals import RunTotals
from warehouse.errors import WarehouseUnavailable


@dataclass
class BackfillResult:
    """What came of the chunks.

    Attributes:
        total: All that was loaded, and what brought nothing.
        chunks: How many there were.
        failures: The chunks that ended with an error, one sentence each.
    """

    total: RunTotals
    chunks: int
    failures: list[str] = field(default_factory=list)


def execute_plan(
    name: str, dataset: BackfillAdapter, needs: Sequence[WorkItem], scope: ResolvedRequest
) -> BackfillResult:
    """Extracts, validates and loads all needs, a chunk at a time.

    Each chunk is a run of its own in `audit.run`. It takes its turn at the provider, so that a
    scheduled run can go between two of them, and it is loaded in one transaction per batch: what
    is done stays done, whatever becomes of the rest. A chunk that fails leaves the others to go
    on, unless it would befall them, too.

    Raises:
        ForeignOrigin: when the warehouse holds facts of another origin.
        WarehouseTrouble: when its server is gone or full.
    """
    chunks = list(batched(needs, dataset.chunk_size(scope)))
    outcome = BackfillResult(RunTotals(), len(chunks))
    progress = reporting.Progress(name, len(needs))
    with dataset.open_ingest(scope, needs) as bring:
        for number, chunk in enumerate(chunks, start=1):
            run = None
            try:
                # not each shown: dozens would hide the plan and the result
                with open_run(
                    "backfill", scope.settings, dataset.provider, publish_artifact=False
                ) as run:
                    bring(chunk, run)
            except (OriginMismatch, WarehouseUnavailable):
                raise
            except Exception as error:
                which = chunk[0].item + (f" to {chunk[-1].item}" if len(chunk) > 1 else "")
                # the class alone: a message may quote what a provider sent
                failure = (
                    f"chunk {number} of {len(chunks)} ({which}) failed: {type(error).__name__}"
                )
                outcome.failures.append(failure)
                get_run_logger().error(failure, exc_info=error)
            if run is not None:
                outcome.total.add(run)
            progress.advance(len(chunk), outcome.total)
    return outcome


def build_final_state(
    outcome: BackfillResult,
    dataset: BackfillAdapter,
    scope: ResolvedRequest,
    plan: str,
    derived: State,
) -> State:
    """Shows what came of a backfill and what is missing still, and says how it ends.

    Args:
        outcome: What came of the chunks.
        dataset: The dataset.
        scope: What was asked for.
        plan: What was planned, in a line: it says why nothing was to do.
        derived: How the derived tables ended.

    Returns:
        Completed; under the name Degraded where something could not be had for now; or Failed,
        where every chunk failed or the derived tables did not follow.
    """
    gaps = dataset.plan(scope).gaps
    missing_summary = reporting.publish_result(scope, outcome.total, outcome.failures, gaps)
    if not outcome.chunks:
        outcome.total.message = plan
    message = "\n".join([outcome.total.summary(), *outcome.failures, missing_summary])
    if derived.is_failed():
        return Failed(message=f"{message}\nThe derived tables did not follow: {derived.message}")
    if outcome.chunks and len(outcome.failures) == outcome.chunks:
        return Failed(message=message)
    if outcome.failures or outcome.total.degraded_reasons():
        return Completed(name="Degraded", message=message)
    return Completed(message=message)
