"""Backfills, from the form in Prefect's UI or from the command line.

Refreshes: a dataset's core tables where rows are missing, failed or stale; then what is derived.
When: when asked.
Settings: those of the dataset's own flow.
Degrades: a chunk that fails leaves the others to go on, and the run ends as Degraded, or Failed
where all do. What was loaded stays; asked for again, the same backfill goes on from there.
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

# a new dataset needs its line here, and is in the form by that
BACKFILL_DATASETS = {"prices": PRICES, "macro": MACRO, "holdings": HOLDINGS, "filings": FILINGS}
DatasetName = Annotated[str, Field(json_schema_extra={"enum": [*BACKFILL_DATASETS]})]


# the parameters are checked below, all of them at once and with words that help
@flow(name="backfill", validate_parameters=False)
def run_backfill(
    dataset: DatasetName = "prices",
    mode: request.Mode = "missing",
    start: date = request.NO_START_DATE,
    end: date = request.NO_END_DATE,
    tickers: list[request.Symbol] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    index: request.Index = targets.ALL_INDEXES,
    series_ids: list[request.SeriesId] = [],  # noqa: B006
    order: request.Order = "oldest first",
    parallelism: request.Parallelism = 4,
    dry_run: bool = False,
) -> State:
    """Finds what is missing, shows the plan, loads it chunk by chunk, and derives what follows.

    Args:
        dataset: What to fill.
        mode: missing: rows that are expected and not there, and that asking could bring; failed:
            what was throttled, down or refused when it was asked for last; stale: what was not
            asked for since its source had something new; all: everything again.
        start: The first day that counts. Left at 1900-01-01: where the dataset begins. Filings:
            of the days of the SEC's index; a company's reply always has all it filed.
        end: The last day that counts. Left at 2100-01-01: up to now.
        tickers: Prices and filings: symbols. None: all that are followed.
        index: The members of one index, or for holdings its files, in place of tickers.
        series_ids: Macro only: FRED ids. None: all that are followed.
        order: What to begin with.
        parallelism: Prices and filings: how many requests may be under way at once, at the
            configured pace all the same. FRED and iShares are asked one thing at a time.
        dry_run: Show the plan and ask for nothing.
    """
    parameters = dict(locals())
    settings = Settings()
    artifact.suppress_engine_tracebacks()
    try:
        scope = request.resolve_request(parameters, [*BACKFILL_DATASETS], now(settings), settings)
    except request.InvalidBackfillRequest as error:
        return Failed(message=str(error))
    source = BACKFILL_DATASETS[scope.request.dataset]
    plan = source.plan(scope)
    work_items = sort_work_items(plan.needs, scope.request.order)
    said = reporting.publish_plan(scope, plan, work_items)
    if scope.request.dry_run:
        return Completed(message=f"Plan only: {said}")
    outcome = execute_plan(scope.request.dataset, source, work_items, scope)
    # also where nothing is to do: a run that was killed may have left this to the next one
    derived = refresh_derived(return_state=True)
    return build_final_state(outcome, source, scope, said, derived)
