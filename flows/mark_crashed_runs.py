"""Mark `audit.run` rows without a live process as crashed.

Refreshes: `audit.run`: the state of running rows without a live process.
When: after a flow run becomes Crashed or Cancelled (`deployments/stack/automations.py`). Each run
does the same when it starts.
Degrades: never; it sends no request to a provider.
"""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from tasks.run import lock
from warehouse.connect.connections import connect
from warehouse.settings import Settings


@flow(name="mark-crashed-runs")
def mark_crashed_runs() -> State:
    """Mark orphaned runs as crashed."""
    with connect(Settings()) as connection:
        count = lock.mark_crashed_runs(connection)
    return Completed(message=f"{count} runs marked as crashed." if count else "No crashed runs.")
