"""Health checks of the warehouse: freshness, runs, quarantine rate, coverage, clock and disk."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from textwrap import shorten

from psycopg import Connection

from tasks.extract.provider.fetch_log import LATER_START
from warehouse.connect.connections import connect
from warehouse.connect.dsn import embedded_server, is_embedded, role_user
from warehouse.schema.readers import repair_reader
from warehouse.settings import Settings

# a first load of the whole universe takes an hour
MAX_RUN_HOURS = 6
MAX_CLOCK_SKEW_MINUTES = 5
# runs quarantine a row or two: below this number of rows, a growth factor means nothing
MIN_QUARANTINE_ROWS = 20
QUARANTINE_GROWTH_FACTOR = 5
MIN_BASELINE_RUNS = 5
# a difference that stays is known by then; its row stays in audit.price_discrepancy
DISCREPANCY_DAYS = 7


@dataclass(frozen=True)
class HealthIssue:
    """One issue that a check found.

    Attributes:
        check: access, freshness, run, quarantine, coverage, prices, clock or disk; of the
            command line: service.
        target: The dataset, flow, index or path.
        message: The problem, in one line.
    """

    check: str
    target: str
    message: str

    def __str__(self) -> str:
        """Return the line that users read."""
        return f"{self.check}: {self.target}: {self.message}"


def run_health_checks(settings: Settings, now: datetime) -> list[HealthIssue]:
    """Run all health checks; return their issues.

    Args:
        settings: Of the warehouse.
        now: The logical time: `tasks.run.clock.now`.

    Raises:
        psycopg.OperationalError: If the warehouse cannot be reached.
    """
    with connect(settings) as connection:
        return [
            *_check_reader_login(settings),
            *_check_freshness(connection, now),
            *_check_runs(connection, settings, now),
            *_check_quarantine_rate(connection),
            *_check_coverage(connection, settings, now),
            *_check_series_starts(connection),
            *_check_second_source(connection),
            *_check_clock_and_environment(connection, settings, now),
            *_check_disk_space(settings),
        ]


def _check_reader_login(settings: Settings) -> list[HealthIssue]:
    """Reset the built-in reader login, and return what had been changed.

    Only where this process has an administrator's account; in containers it has the loader's.
    """
    if not is_embedded(settings):
        return []
    message = repair_reader(settings)
    return [HealthIssue("access", role_user("reader"), message)] if message else []


def _check_freshness(connection: Connection, now: datetime) -> list[HealthIssue]:
    """Return the datasets that miss their freshness SLA."""
    rows = connection.execute(
        """
        select dataset || coalesce(' ' || item, ''), reason
        from published.freshness_at(%s) where is_late
        """,
        (now,),
    )
    return [HealthIssue("freshness", dataset, reason) for dataset, reason in rows]


def _check_runs(connection: Connection, settings: Settings, now: datetime) -> list[HealthIssue]:
    """Return the flows whose last run did not complete, or has been running for too long.

    A cancelled run is no issue, and a failed backfill is one for a day: rows that they did not
    load show up in freshness and coverage. No schedule repeats a backfill, and one without work
    opens no run. Without a key no price check opens one.
    """
    switched_off = ["price-check"] if settings.tiingo_api_key is None else []
    rows = connection.execute(
        """
        select flow, run_id, state, started_at, detail,
            clock_timestamp() - started_at > %s as is_long
        from (
            select distinct on (flow) * from audit.run
            where state <> 'cancelled'
            order by flow, run_id desc
        ) as last
        where state <> 'completed' and flow <> all (%s)
            and (flow <> 'backfill' or state = 'running' or clock_at > %s)
        order by flow
        """,
        (timedelta(hours=MAX_RUN_HOURS), switched_off, now - timedelta(days=1)),
    )
    issues = []
    for flow, run_id, state, started_at, detail, is_long in rows:
        since = f"{started_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        if state != "running":
            summary = shorten("; ".join((detail or "").splitlines()), 300)
            message = f"run {run_id} of {since} is {state}. {summary}".strip()
            issues.append(HealthIssue("run", flow, message))
        elif is_long:
            message = f"run {run_id} still running since {since} (limit {MAX_RUN_HOURS} h)"
            issues.append(HealthIssue("run", flow, message))
    return issues


def _check_quarantine_rate(connection: Connection) -> list[HealthIssue]:
    """Return the runs of the last day that quarantined far more rows than the runs before.

    Bars fetched before the close do not count: no rule found them wrong.
    """
    rows = connection.execute(
        """
        with quarantined as (
            select first_run_id as run_id, table_name, count(distinct key) as rows
            from audit.quarantine where rule <> 'unfinished_session'
            group by first_run_id, table_name
        ),
        loaded as materialized (
            select
                run_id, summary.flow, table_name, summary.started_at,
                coalesce(quarantined.rows, 0) as rows
            from audit.run_summary as summary
            left join quarantined using (run_id, table_name)
        )
        select run.table_name, run.run_id, run.rows, baseline.median
        from loaded as run
        cross join lateral (
            select count(*) as runs, percentile_cont(0.5) within group (order by rows) as median
            from (
                select rows from loaded as earlier
                where earlier.flow = run.flow and earlier.table_name = run.table_name
                    and earlier.run_id < run.run_id
                order by earlier.run_id desc limit 20
            ) as earlier_runs
        ) as baseline
        where run.started_at > clock_timestamp() - interval '1 day' and run.rows > %s
            and baseline.runs >= %s and run.rows > %s * baseline.median
        order by run.run_id
        """,
        (MIN_QUARANTINE_ROWS, MIN_BASELINE_RUNS, QUARANTINE_GROWTH_FACTOR),
    )
    return [
        HealthIssue(
            "quarantine", table, f"run {run_id} quarantined {count:,} rows (median {median:,.0f})"
        )
        for table, run_id, count, median in rows
    ]


def _check_coverage(connection: Connection, settings: Settings, now: datetime) -> list[HealthIssue]:
    """Return the indexes with too few bars of the newest session that should be loaded."""
    rows = connection.execute(
        """
        select index_code, session_date, loaded, expected
        from published.coverage
        where dataset = 'daily_price' and session_date = (
            select max(session_date) from published.session
            -- the same SLA as published.freshness_at: six hours after the close
            where closes_at + interval '6 hours' <= %s
        )
        and loaded < expected * %s / 100
        order by index_code
        """,
        (now, settings.health_coverage_pct),
    )
    return [
        HealthIssue("coverage", index, f"{loaded:,} of {expected:,} bars of {session} are loaded")
        for index, session, loaded, expected in rows
    ]


def _check_series_starts(connection: Connection) -> list[HealthIssue]:
    """Return the series whose oldest year or more FRED ceased to serve within the last week.

    The stored rows are kept.
    """
    rows = connection.execute(
        """
        with loaded as (
            select
                item, fetch_id, detail, finished_at,
                max(fetch_id) filter (where reason is distinct from %(later_start)s)
                    over (partition by item) as last_whole_id
            from audit.fetch
            where dataset = 'macro_observation' and status = 'loaded'
        )
        select item, (array_agg(detail order by fetch_id desc))[1]
        from loaded
        where fetch_id > last_whole_id
        group by item
        having min(finished_at) > clock_timestamp() - interval '7 days'
        order by item
        """,
        {"later_start": LATER_START},
    )
    return [HealthIssue("coverage", series, detail) for series, detail in rows]


def _check_second_source(connection: Connection) -> list[HealthIssue]:
    """Return the tickers whose prices began to differ from the second source within a week.

    The stored values are kept, and so are the rows of older differences. The source's values are
    left out: they are for internal use, and these lines may be sent elsewhere.
    """
    rows = connection.execute(
        """
        select ticker, count(*), min(first_seen_at), (
            array_agg(
                format(
                    '%%s %%s: %%s stored, another value at %%s (%%s)', session_date, field,
                    stored_value, source, unit
                ) order by session_date desc, field
            )
        )[1]
        from audit.price_discrepancy
        where resolved_at is null and first_seen_at > clock_timestamp() - %s
        group by ticker order by ticker
        """,
        (timedelta(days=DISCREPANCY_DAYS),),
    )
    return [
        HealthIssue(
            "prices",
            ticker,
            f"{count} {'value differs' if count == 1 else 'values differ'} from the second source"
            f" since {since.astimezone(UTC):%Y-%m-%d}; the newest: {newest}. See"
            " audit.price_discrepancy.",
        )
        for ticker, count, since, newest in rows
    ]


def _check_clock_and_environment(
    connection: Connection, settings: Settings, now: datetime
) -> list[HealthIssue]:
    """Return a clock or an origin other than the warehouse's, and data dated in the future."""
    row = connection.execute(
        """
        select
            (select origin from audit.origin), clock_timestamp(),
            (
                select max(latest_date) from audit.dataset_state
                where clock in ('close', 'morning')
                    and latest_date > (%s at time zone 'America/New_York')::date
            )
        """,
        (now,),
    ).fetchone()
    assert row is not None
    stored_origin, database_time, future_date = row
    issues = []
    if stored_origin is not None and stored_origin != settings.origin:
        message = f"the warehouse is of '{stored_origin}', the settings say '{settings.origin}'"
        issues.append(("origin", message))
    if (settings.origin == "live") != (not settings.clock):
        clock = "set by ROTATION_CLOCK" if settings.clock else "the host's"
        issues.append(("origin", f"the origin is '{settings.origin}', but the clock is {clock}"))
    skew = abs(database_time - datetime.now(UTC))
    if skew > timedelta(minutes=MAX_CLOCK_SKEW_MINUTES):
        issues.append(("host", f"clock skew of {skew} between host and database"))
    if future_date is not None:
        message = f"newest date {future_date} is later than now, {now:%Y-%m-%d %H:%M} UTC"
        issues.append(("data", message))
    return [HealthIssue("clock", target, message) for target, message in issues]


def _check_disk_space(settings: Settings) -> list[HealthIssue]:
    """Return the paths with less free space than `health_free_gb`."""
    paths = [settings.home]
    if is_embedded(settings):
        # a link to another disk if the server's account cannot reach the state folder
        data = embedded_server(settings).data
        paths += [data] if data.stat().st_dev != settings.home.stat().st_dev else []
    issues = []
    for path in paths:
        free_gb = shutil.disk_usage(path).free / 1e9
        if free_gb < settings.health_free_gb:
            minimum = f"ROTATION_HEALTH_FREE_GB is {settings.health_free_gb:g}"
            issues.append(HealthIssue("disk", str(path), f"{free_gb:.1f} GB free; {minimum}"))
    return issues
