"""What is wrong with the warehouse, judged at an instant: one readable line per fault."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from textwrap import shorten

from psycopg import Connection

from warehouse.connect.connections import connect
from warehouse.connect.dsn import embedded_server, is_embedded
from warehouse.settings import Settings

# a first fill of the whole universe takes an hour
MAX_RUN_HOURS = 6
# what the machine's clock and the database's may differ by
MAX_CLOCK_SKEW_MINUTES = 5
# Runs of a flow set aside a row or two; below this, growth says nothing. And a flow needs a past
# to be measured by.
MIN_QUARANTINE_ROWS = 20
QUARANTINE_GROWTH_FACTOR = 5
MIN_BASELINE_RUNS = 5


@dataclass(frozen=True)
class HealthIssue:
    """One thing that is wrong.

    Attributes:
        check: late, run, quarantine, coverage, clock or disk.
        target: The dataset, flow or place.
        message: What is wrong with it and since when, in one line.
    """

    check: str
    target: str
    message: str

    def __str__(self) -> str:
        """The line that people read."""
        return f"{self.check}: {self.target}: {self.message}"


def run_health_checks(settings: Settings, instant: datetime) -> list[HealthIssue]:
    """All faults, if it is `instant` now; none where all is well.

    Args:
        settings: Of the warehouse.
        instant: What counts as now: `tasks.run.clock.now`.

    Raises:
        psycopg.OperationalError: when the warehouse can't be reached.
    """
    faults: list[HealthIssue] = []
    checks: tuple[Callable[[Connection, Settings, datetime], list[HealthIssue]], ...] = (
        _check_freshness,
        _check_runs,
        _check_quarantine_rate,
        _check_coverage,
        _check_clock_and_environment,
    )
    with connect(settings) as connection:
        for check in checks:
            faults += check(connection, settings, instant)
    return faults + _check_disk_space(settings)


def _check_freshness(
    connection: Connection, settings: Settings, instant: datetime
) -> list[HealthIssue]:
    found = connection.execute(
        """
        select dataset || coalesce(' ' || item, ''), reason
        from published.freshness_at(%s) where is_late
        """,
        (instant,),
    )
    return [HealthIssue("late", what, why) for what, why in found]


def _check_runs(connection: Connection, settings: Settings, instant: datetime) -> list[HealthIssue]:
    """Flows whose last run did not end well, or does not end; of a backfill, for a day."""
    found = connection.execute(
        """
        select flow, run_id, state, started_at, detail,
            clock_timestamp() - started_at > %s as is_long
        from (
            select distinct on (flow) * from audit.run
            -- what someone ended on purpose is no fault; what it left undone shows as late
            where state <> 'cancelled'
            order by flow, run_id desc
        ) as last
        where state <> 'completed'
            -- No schedule runs it again, and one that finds nothing left to do opens no run. What
            -- it left undone shows as late or thin.
            and (flow <> 'backfill' or state = 'running' or clock_at > %s)
        order by flow
        """,
        (timedelta(hours=MAX_RUN_HOURS), instant - timedelta(days=1)),
    )
    faults = []
    for flow, run_id, state, started_at, detail, is_long in found:
        since = f"{started_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        words = shorten("; ".join((detail or "").splitlines()), 300)
        if state != "running":
            faults.append(
                HealthIssue("run", flow, f"run {run_id} of {since} is {state}. {words}".strip())
            )
        elif is_long:
            faults.append(
                HealthIssue("run", flow, f"run {run_id} has been under way since {since}")
            )
    return faults


def _check_quarantine_rate(
    connection: Connection, settings: Settings, instant: datetime
) -> list[HealthIssue]:
    """Runs of the last day that set aside far more of a table than the ones before them.

    Bars of a session that is still open are of no matter: nothing is wrong with them.
    """
    found = connection.execute(
        """
        with wrong as (
            select first_run_id as run_id, table_name, count(distinct key) as rows
            from audit.quarantine where rule <> 'unfinished_session'
            group by first_run_id, table_name
        ),
        each as materialized (
            select
                run_id, summary.flow, table_name, summary.started_at,
                coalesce(wrong.rows, 0) as rows
            from audit.run_summary as summary
            left join wrong using (run_id, table_name)
        )
        select run.table_name, run.run_id, run.rows, past.usual
        from each as run
        cross join lateral (
            select count(*) as runs, percentile_cont(0.5) within group (order by rows) as usual
            from (
                select rows from each as earlier
                where earlier.flow = run.flow and earlier.table_name = run.table_name
                    and earlier.run_id < run.run_id
                order by earlier.run_id desc limit 20
            ) as before
        ) as past
        where run.started_at > clock_timestamp() - interval '1 day' and run.rows > %s
            and past.runs >= %s and run.rows > %s * past.usual
        order by run.run_id
        """,
        (MIN_QUARANTINE_ROWS, MIN_BASELINE_RUNS, QUARANTINE_GROWTH_FACTOR),
    )
    return [
        HealthIssue(
            "quarantine", table, f"run {run_id} set aside {rows:,} rows; usual are {usual:,.0f}"
        )
        for table, run_id, rows, usual in found
    ]


def _check_coverage(
    connection: Connection, settings: Settings, instant: datetime
) -> list[HealthIssue]:
    """Indexes of which too many members lack a bar of the newest session that is due."""
    found = connection.execute(
        """
        select index_code, session_date, loaded, expected
        from published.coverage
        where dataset = 'daily_price' and session_date = (
            select max(session_date) from published.session
            -- as published.freshness_at has it: due six hours after the close
            where closes_at + interval '6 hours' <= %s
        )
        and loaded < expected * %s / 100
        order by index_code
        """,
        (instant, settings.health_coverage_pct),
    )
    return [
        HealthIssue("coverage", index, f"{loaded:,} of {expected:,} bars of {session} are there")
        for index, session, loaded, expected in found
    ]


def _check_clock_and_environment(
    connection: Connection, settings: Settings, instant: datetime
) -> list[HealthIssue]:
    """A clock or an origin that is not the warehouse's, and facts from the future."""
    row = connection.execute(
        """
        select
            (select origin from audit.origin), clock_timestamp(),
            (
                select max(newest) from audit.dataset_state
                where clock in ('close', 'morning')
                    and newest > (%s at time zone 'America/New_York')::date
            )
        """,
        (instant,),
    ).fetchone()
    assert row is not None
    held, database_now, future = row
    issues = []
    if held is not None and held != settings.origin:
        why = f"the warehouse holds '{held}', the settings say '{settings.origin}'"
        issues.append(("origin", why))
    if (settings.origin == "live") != (not settings.clock):
        clock = "moved by ROTATION_CLOCK" if settings.clock else "the machine's"
        issues.append(("origin", f"it is '{settings.origin}', but the clock is {clock}"))
    apart = abs(database_now - datetime.now(UTC))
    if apart > timedelta(minutes=MAX_CLOCK_SKEW_MINUTES):
        issues.append(("machine", f"its clock and the database's are {apart} apart"))
    if future is not None:
        issues.append(
            ("facts", f"one is of {future}, later than now, {instant:%Y-%m-%d %H:%M} UTC")
        )
    return [HealthIssue("clock", what, why) for what, why in issues]


def _check_disk_space(settings: Settings) -> list[HealthIssue]:
    places = [settings.home]
    if is_embedded(settings):
        # behind a link where the server's account can't reach the state folder
        data = embedded_server(settings).data
        places += [data] if data.stat().st_dev != settings.home.stat().st_dev else []
    faults = []
    for place in places:
        free = shutil.disk_usage(place).free / 1e9
        if free < settings.health_free_gb:
            why = f"{free:.1f} GB are free; ROTATION_HEALTH_FREE_GB asks for "
            faults.append(HealthIssue("disk", str(place), f"{why}{settings.health_free_gb:g}"))
    return faults
