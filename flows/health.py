"""Check the health of the warehouse. The flow run fails if any check reports an issue.

Refreshes: the trading calendar, before it runs out; the artifact `health-report`.
When: at 09:20 New York on weekdays, after the morning's members, releases and their retries, and
at 22:30, after the day's prices.
Settings: `ROTATION_HEALTH_COVERAGE_PCT`, `ROTATION_HEALTH_FREE_GB`, `ROTATION_NOTIFY_URL`.
Degrades: never; it fails with one line per issue. A run that starts over an hour late checks
nothing: the worker was down, and the first runs after it only catch up.
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
    """Check freshness SLAs, coverage, failed runs, quarantine rate, clock skew and disk."""
    # the machine's clock, as for the schedule; not the clock of a replay
    delay = datetime.now(UTC) - flow_run.scheduled_start_time
    if delay > MAX_START_DELAY:
        minutes = round(delay.total_seconds() / 60)
        return Completed(
            message=f"Started {minutes} minutes late; skipped, next check runs at schedule."
        )
    settings = Settings()
    artifact.suppress_engine_tracebacks()
    logical_time = now(settings)
    with connect(settings) as connection:
        sync_trading_calendar(connection)
    issues = run_health_checks(settings, logical_time)
    create_markdown_artifact(
        key="health-report",
        markdown=render_health_report(issues, settings, logical_time),
        description="Issues, and the freshness of each dataset.",
    )
    if issues:
        return Failed(message="\n".join(map(str, issues)))
    return Completed(message="All checks passed.")
