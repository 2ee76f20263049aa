"""Is the warehouse well: a check that fails loudly, so that no news is good news.

Refreshes: the calendar of sessions, by which what is due is counted, where it runs out; leaves an
artifact with what is late and why.
When: at 09:20 New York on weekdays, when the morning's members and releases are due and what came
late was asked for again, and at 22:30, when the day's prices are.
Settings: `ROTATION_HEALTH_COVERAGE_PCT`, `ROTATION_HEALTH_FREE_GB`, `ROTATION_NOTIFY_URL`.
Degrades: it fails with one line per fault; without a fault it completes. A run that begins over
an hour late judges nothing: the worker was down, and what it missed is only being caught up.
"""

from datetime import UTC, datetime, timedelta

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from tasks import report
from tasks.clock import now
from tasks.health import find_faults
from tasks.health_report import describe
from warehouse.connections import connect
from warehouse.sessions import fill_sessions
from warehouse.settings import Settings

TOO_LATE = timedelta(hours=1)


@flow(name="health")
def refresh_health() -> State:
    """Looks for what is late, thin, failed, growing or running out."""
    due = flow_run.scheduled_start_time
    # by the machine's clock, which is the schedule's, and not by a tape's
    if datetime.now(UTC) - due > TOO_LATE:
        return Completed(message=f"Due at {due:%Y-%m-%d %H:%M %Z}, too late: the next one judges.")
    settings = Settings()
    report.leave_out_engine_traces()
    instant = now(settings)
    with connect(settings) as connection:
        fill_sessions(connection)
    faults = find_faults(settings, instant)
    create_markdown_artifact(
        key="health",
        markdown=describe(faults, settings, instant),
        description="What is wrong, and how fresh each dataset is.",
    )
    if faults:
        return Failed(message="\n".join(map(str, faults)))
    return Completed(message="All is well.")
