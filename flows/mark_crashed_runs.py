"""Runs that died without a word.

Refreshes: `audit.run`: what is running there and has no process any more is marked as died.
When: as soon as Prefect calls a run Crashed or Cancelled (`deployments/stack/automations.py`).
Each run
that begins does the same.
Degrades: not at all; it asks no provider.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.run import lock
from warehouse.connect.connections import connect
from warehouse.settings import Settings


@flow(name="mark-crashed-runs")
def mark_crashed_runs() -> State:
    """Marks runs whose process is gone as died."""
    with connect(Settings()) as connection:
        found = lock.mark_crashed_runs(connection)
    return Completed(message=f"{found} runs had died unnoticed." if found else "No run has died.")
