"""Show what a run did in Prefect's UI: one short artifact per run."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import FailedRun, PrefectException
from prefect.runtime import flow_run

from tasks.http_client import HttpError
from warehouse.connect.connections import connect
from warehouse.settings import Settings

logger = logging.getLogger(__name__)

COLUMNS = ("table", "new", "changed", "unchanged", "deleted", "quarantined", "failed checks")


def publish_run_artifact(run_id: int, notes: Sequence[str], settings: Settings) -> None:
    """Create the artifact `<flow>-run-summary` from `audit.run_summary`.

    Outside of Prefect nothing happens. If Prefect's server rejects it, the run goes on.

    Args:
        run_id: The run.
        notes: Message, items without data and failures, a line each.
        settings: Of the run.
    """
    if flow_run.id is None:
        return
    with connect(settings) as connection:
        rows = connection.execute(
            """
            select
                flow, state, duration_seconds, items_fetched, items_without_data, table_name,
                rows_new, rows_changed, rows_same, rows_removed, rows_quarantined, failed_checks
            from audit.run_summary
            where run_id = %s order by table_name
            """,
            (run_id,),
        ).fetchall()
    upsert_artifact(
        create_markdown_artifact,
        key=f"{rows[0][0]}-run-summary".replace("_", "-"),
        markdown=_markdown(run_id, rows, notes),
        description=f"Summary of run {run_id} (audit.run).",
    )


def suppress_engine_tracebacks() -> None:
    """Keep Prefect from logging a traceback of its engine for a returned Failed state."""
    logging.getLogger("prefect.flow_runs").addFilter(_is_not_failed_run)


def _is_not_failed_run(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], FailedRun))


def upsert_artifact(artifact: Callable[..., Any], **content: Any) -> Any:
    """Create or update an artifact; return None if Prefect's server does not accept it.

    The run goes on without: its results are in `audit`.
    """
    try:
        return artifact(**content)
    except (HttpError, PrefectException) as error:
        logger.warning("Could not save the run artifact: %s", type(error).__name__)
        return None


def _markdown(run_id: int, rows: list[tuple[object, ...]], notes: Sequence[str]) -> str:
    flow, state, seconds, item_count, without_data_count = rows[0][:5]
    lines = [f"**{flow}**: {state}, run {run_id}, {seconds:,.0f} s"]
    if item_count:
        lines.append(f"Fetched {item_count:,} items; {without_data_count:,} returned no data.")
    numbers = [row[5:] for row in rows if row[5] is not None]
    if numbers:
        lines.append("\n".join(_table(COLUMNS, numbers)))
    if notes:
        lines.append("```\n" + "\n".join(notes) + "\n```")
    return "\n\n".join(lines)


def _table(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)]]
    lines += [[f"{each:,}" if isinstance(each, int) else str(each) for each in row] for row in rows]
    return [f"| {' | '.join(line)} |" for line in lines]
