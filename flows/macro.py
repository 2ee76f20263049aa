"""Macro series with all their vintages.

Refreshes: `macro_observation` of the series in `warehouse/reference/macro_series.csv`, or of
those named.
When: at 08:35 New York, five minutes after the Bureau of Labor Statistics publishes, and later.
Settings: `FRED_API_KEY`, `ROTATION_FRED_*`. Without a key, FRED's keyless CSV serves: newest
values only, no vintages.
Degrades: a series that brings nothing is in the ledger with its reason; the others load, and the
run ends as Degraded.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.extract.fred.extract import fred_request_policy
from tasks.ingest import ingest_macro
from tasks.plan.prices import plan_macro
from tasks.plan.release_times import skip_up_to_date
from tasks.run.context import open_run
from warehouse.settings import Settings

SeriesId = Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,25}$")]


@flow(name="macro")
def refresh_macro(
    series_ids: list[SeriesId] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    full_history: bool = False,
    only_stale: bool = False,
) -> State:
    """Extracts, validates and loads macro observations.

    Args:
        series_ids: FRED ids to refresh; none: all that are followed.
        full_history: Ask for every vintage again, not only for what is new.
        only_stale: Leave out what was asked for since FRED last had something new to tell.
    """
    settings = Settings()
    with open_run("macro", settings, provider="fred") as run:
        requests = plan_macro(series_ids, full_history, settings)
        if only_stale:
            requests = skip_up_to_date("macro_observation", requests, full_history, run)
        ingest_macro(requests, run, fred_request_policy(settings))
    return run.end_state()
