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

from tasks.health.checks import run_health_checks
from tasks.health.report import render_health_report
from tasks.run import artifact
from tasks.run.clock import now
from warehouse.connect.connections import connect
from warehouse.schema.sync_calendar import sync_trading_calendar
from warehouse.settings import Settings

MAX_START_DELAY = timedelta(hours=1)


@flow(name="health")
def check_health() -> State:
    """Looks for what is late, thin, failed, growing or running out."""
    due = flow_run.scheduled_start_time
    # by the machine's clock, which is the schedule's, and not by a tape's
    if datetime.now(UTC) - due > MAX_START_DELAY:
        return Completed(message=f"Due at {due:%Y-%m-%d %H:%M %Z}, too late: the next one judges.")
    settings = Settings()
    artifact.suppress_engine_tracebacks()
    instant = now(settings)
    with connect(settings) as connection:
        sync_trading_calendar(connection)
    faults = run_health_checks(settings, instant)
    create_markdown_artifact(
        key="health",
        markdown=render_health_report(faults, settings, instant),
        description="What is wrong, and how fresh each dataset is.",
    )
    if faults:
        return Failed(message="\n".join(map(str, faults)))
    return Completed(message="All is well.")
