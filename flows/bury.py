"""Runs that died without a word.

Refreshes: `audit.run`: what is running there and has no process any more is marked as died.
When: as soon as Prefect calls a run Crashed or Cancelled (deployments/automations.py). Each run
that begins does the same.
Degrades: not at all; it asks no provider.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.turns import bury_the_dead
from warehouse.connections import connect
from warehouse.settings import Settings


@flow(name="bury")
def bury_dead_runs() -> State:
    """Marks runs whose process is gone as died."""
    with connect(Settings()) as connection:
        found = bury_the_dead(connection)
    return Completed(message=f"{found} runs had died unnoticed." if found else "No run has died.")
