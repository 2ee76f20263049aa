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

from tasks.bring import bring_macro
from tasks.due import leave_out_asked
from tasks.extract.fred import dealings_with_fred
from tasks.plan import plan_macro
from tasks.record import run
from warehouse.settings import Settings

SeriesId = Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,25}$")]


@flow(name="macro")
def refresh_macro(
    series_ids: list[SeriesId] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    whole_history: bool = False,
    only_due: bool = False,
) -> State:
    """Extracts, validates and loads macro observations.

    Args:
        series_ids: FRED ids to refresh; none: all that are followed.
        whole_history: Ask for every vintage again, not only for what is new.
        only_due: Leave out what was asked for since FRED last had something new to tell.
    """
    settings = Settings()
    with run("macro", settings, provider="fred") as this_run:
        requests = plan_macro(series_ids, whole_history, settings)
        if only_due:
            requests = leave_out_asked("macro_observation", requests, whole_history, this_run)
        bring_macro(requests, this_run, dealings_with_fred(settings))
    return this_run.end_state()
