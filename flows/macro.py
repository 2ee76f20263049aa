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

from expectations import macro_observation
from tasks.clock import now
from tasks.extract.fred import extract_macro
from tasks.load import Batch, load
from tasks.plan import plan_macro
from tasks.record import run
from tasks.validate import BatchRefused, validate_batch
from warehouse.settings import Settings

SeriesId = Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,25}$")]


@flow(name="macro")
def refresh_macro(
    series_ids: list[SeriesId] = [],  # noqa: B006 - a literal default gives the UI an empty list to fill
    whole_history: bool = False,
) -> State:
    """Extracts, validates and loads macro observations.

    Args:
        series_ids: FRED ids to refresh; none: all that are followed.
        whole_history: Ask for every vintage again, not only for what is new.
    """
    settings = Settings()
    with run("macro", settings) as this_run:
        instant = now(settings)
        reply = extract_macro(plan_macro(series_ids, whole_history, settings), instant, settings)
        try:
            observations = validate_batch(
                macro_observation.CONTRACT,
                macro_observation.with_context(reply.observations, instant),
            )
        except BatchRefused as refusal:
            load(Batch(reply.fetches, refusal=refusal), this_run)
        else:
            load(Batch(reply.fetches, ((macro_observation.CONTRACT, observations),)), this_run)
    return this_run.end_state()
