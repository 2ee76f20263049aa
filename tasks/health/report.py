"""The state of the warehouse as a page for people."""

from collections.abc import Sequence
from datetime import datetime

from expectations.calendars.trading import NEW_YORK
from tasks.health.checks import HealthIssue
from warehouse.connect.connections import connect
from warehouse.settings import Settings


def render_health_report(
    faults: Sequence[HealthIssue], settings: Settings, instant: datetime
) -> str:
    """Markdown: the faults, then one line per dataset: how far it has got and what is due next."""
    with connect(settings) as connection:
        rows = connection.execute(
            """
            select dataset || coalesce(' ' || item, ''), latest_date, last_fetch_status,
            next_due_at, is_late
            from published.freshness_at(%s)
            """,
            (instant,),
        ).fetchall()
    said = f"# {len(faults)} faults" if faults else "# All is well"
    lines = [said, "", f"Judged at {instant.astimezone(NEW_YORK):%Y-%m-%d %H:%M} in New York.", ""]
    lines += [f"- **{fault.check}** {fault.target}: {fault.message}" for fault in faults]
    lines += ["", "| dataset | newest | last request | next due | |", "|---|---|---|---|---|"]
    for dataset, newest, outcome, due, is_late in rows:
        when = f"{due.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" if due else ""
        lines.append(
            f"| {dataset} | {newest or 'nothing'} | {outcome or ''} | {when} "
            f"| {'**late**' if is_late else ''} |"
        )
    return "\n".join(lines)
