"""Backfill a dataset, from the form in Prefect's UI or from the command line.

Refreshes: a dataset's core tables where rows are missing, failed or stale; then the derived tables.
When: on demand.
Settings: those of the dataset's own flow.
Degrades: if a chunk fails, the others continue; the run ends as Degraded, or as Failed if all
chunks fail. Loaded rows are kept; the same backfill, run again, continues from there.
"""

from datetime import date
from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.derived import refresh_derived
from tasks.backfill import reporting, request, targets
from tasks.backfill.datasets.filings import FILINGS
from tasks.backfill.datasets.holdings import HOLDINGS
from tasks.backfill.datasets.macro import MACRO
from tasks.backfill.datasets.prices import PRICES
from tasks.backfill.execute import build_final_state, execute_plan
from tasks.backfill.plan import sort_work_items
from tasks.run import artifact
from tasks.run.clock import now
from warehouse.settings import Settings

# the form's choices: a new dataset needs its line here
BACKFILL_DATASETS = {"prices": PRICES, "macro": MACRO, "holdings": HOLDINGS, "filings": FILINGS}
DatasetName = Annotated[str, Field(json_schema_extra={"enum": [*BACKFILL_DATASETS]})]


# validated below instead, all parameters at once and with messages that say what to do
@flow(name="backfill", validate_parameters=False)
def run_backfill(
    dataset: DatasetName = "prices",
    mode: request.Mode = "missing",
    start: date | None = None,
    end: date | None = None,
    tickers: list[request.Symbol] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    index: request.Index = targets.ALL_INDEXES,
    series_ids: list[request.SeriesId] = [],  # noqa: B006
    order: request.Order = "oldest_first",
    parallelism: request.Parallelism = 4,
    dry_run: bool = False,
) -> State:
    """Plan a backfill, show the plan, ingest it chunk by chunk, and refresh the derived tables.

    Args:
        dataset: The dataset to backfill.
        mode: missing: expected rows that a new request could return; failed: items throttled, down
            or refused at their last request; stale: items not requested since their source's
            latest release; all: everything again.
        start: The first day. None: the dataset's first. Filings: the first day of the SEC's
            index; a company's response always has its full history.
        end: The last day. None: up to now.
        tickers: Prices and filings only: tickers. None: the whole universe.
        index: The members of one index, or for holdings its files, in place of tickers. all: of
            every index.
        series_ids: Macro only: FRED ids. None: all followed series.
        order: The order of requests.
        parallelism: Prices and filings: how many requests may run at once, within the configured
            rate. FRED and iShares get one request at a time.
        dry_run: Show the plan and request nothing.
    """
    parameters = dict(locals())
    settings = Settings()
    artifact.suppress_engine_tracebacks()
    try:
        scope = request.resolve_request(parameters, [*BACKFILL_DATASETS], now(settings), settings)
    except request.InvalidBackfillRequest as error:
        return Failed(message=str(error))
    adapter = BACKFILL_DATASETS[scope.request.dataset]
    plan = adapter.plan(scope)
    work_items = sort_work_items(plan.work_items, scope.request.order)
    plan_summary = reporting.publish_plan(scope, plan, work_items)
    if scope.request.dry_run:
        return Completed(message=f"Plan only: {plan_summary}")
    result = execute_plan(scope.request.dataset, adapter, work_items, scope)
    # also without work: a run that was killed may have left this to the next one
    derived = refresh_derived(return_state=True)
    return build_final_state(result, adapter, scope, plan_summary, derived)
