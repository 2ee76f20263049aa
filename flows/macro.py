"""Refresh macro series with all their vintages.

Refreshes: `macro_observation` of the series in `warehouse/reference/macro_series.csv`, or of
those named.
When: at 08:35 New York, five minutes after the Bureau of Labor Statistics publishes, and later.
Settings: `FRED_API_KEY`, `ROTATION_FRED_*`. Without a key, FRED's keyless CSV is read: newest
values only, no vintages.
Degrades: a series without data is in the fetch log with its reason; the others are loaded.
Throttling or an outage ends the run as Degraded.
"""

from typing import Annotated

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from tasks.extract.fred.extract import open_fred_policy
from tasks.ingest import fred_macro, ingest_plan
from tasks.plan.macro import plan_macro
from tasks.run.context import open_run
from warehouse.settings import Settings

SeriesId = Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,25}$")]


@flow(name="macro")
def refresh_macro(
    series_ids: list[SeriesId] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    full_history: bool = False,
    only_stale: bool = False,
) -> State:
    """Ingest macro observations.

    Args:
        series_ids: FRED ids to refresh; none: all followed series.
        full_history: Request all vintages again, not only new ones.
        only_stale: Skip series fetched since FRED's latest release.
    """
    settings = Settings()
    with open_run("macro", settings, provider="fred") as run:
        plan = plan_macro(series_ids, full_history, only_stale, run)
        with open_fred_policy(settings) as policy:
            ingest_plan(fred_macro(settings, policy), plan, run)
    return run.to_prefect_state()
