"""Render the health report: issues, and the freshness of each dataset."""

from collections.abc import Sequence
from datetime import datetime

from expectations.calendars.trading import NEW_YORK
from tasks.health.checks import HealthIssue
from warehouse.connect.connections import connect
from warehouse.settings import Settings


def render_health_report(
    issues: Sequence[HealthIssue], settings: Settings, now: datetime
) -> str:
    """Return Markdown with the issues, and one row per dataset with its newest and next data.

    Args:
        issues: The issues.
        settings: Of the warehouse.
        now: The logical time.
    """
    with connect(settings) as connection:
        rows = connection.execute(
            """
            select
                dataset || coalesce(' ' || item, ''), latest_date, last_fetch_status, next_due_at,
                is_late
            from published.freshness_at(%s)
            """,
            (now,),
        ).fetchall()
    title = f"Health issues: {len(issues)}" if issues else "All checks passed"
    lines = [f"# {title}", "", f"Evaluated at {_in_new_york(now)} in New York.", ""]
    lines += [f"- **{issue.check}** {issue.target}: {issue.message}" for issue in issues]
    lines += ["", "| dataset | newest | last request | next due | |", "|---|---|---|---|---|"]
    for dataset, latest_date, status, next_due_at, is_late in rows:
        due = _in_new_york(next_due_at) if next_due_at else ""
        lateness = "**late**" if is_late else ""
        lines.append(
            f"| {dataset} | {latest_date or 'nothing'} | {status or ''} | {due} | {lateness} |"
        )
    return "\n".join(lines)


def _in_new_york(instant: datetime) -> str:
    return f"{instant.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"
