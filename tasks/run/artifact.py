"""Says what a run did where Prefect's UI shows it: a short artifact per run."""

import logging
from collections.abc import Callable
from typing import Any

import httpx
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import FailedRun, PrefectException
from prefect.runtime import flow_run

from warehouse.connect.connections import connect
from warehouse.settings import Settings

logger = logging.getLogger(__name__)

COLUMNS = ("table", "new", "changed", "same", "withdrawn", "set aside", "rules broken")


def publish_run_artifact(run_id: int, settings: Settings) -> None:
    """Leaves an artifact on the flow run: what `audit.run_summary` says of it.

    Its key is `run-<flow>`, so that the newest of each flow is found by it. Outside of Prefect
    nothing happens; where its server does not take the artifact, the run goes on: all that it says
    is in `audit`.
    """
    if flow_run.id is None:
        return
    with connect(settings) as connection:
        rows = connection.execute(
            """
            select
                summary.flow, summary.state, summary.duration_seconds, summary.items_fetched,
                summary.items_without_data, run.detail, summary.table_name, rows_new, rows_changed,
                rows_same, rows_removed, rows_quarantined, failed_checks
            from audit.run_summary as summary
            join audit.run as run using (run_id)
            where run_id = %s order by table_name
            """,
            (run_id,),
        ).fetchall()
    upsert_artifact(
        create_markdown_artifact,
        key=f"run-{rows[0][0]}".replace("_", "-"),
        markdown=_markdown(run_id, rows),
        description=f"What the run did: audit.run {run_id}.",
    )


def suppress_engine_tracebacks() -> None:
    """Lets a run that ends as Failed say why in its state, and no more.

    In a worker, Prefect logs a traceback of its own engine behind each state that a flow returned
    as Failed.
    """
    logging.getLogger("prefect.flow_runs").addFilter(_is_not_failed_run)


def _is_not_failed_run(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], FailedRun))


def upsert_artifact(artifact: Callable[..., Any], **content: Any) -> Any:
    """Leaves an artifact in Prefect, or changes one; None where its server does not take it.

    A run goes on without: what it did is in `audit`.
    """
    try:
        return artifact(**content)
    except (httpx.HTTPError, PrefectException) as error:
        logger.warning("An artifact of the run was not kept: %s", type(error).__name__)
        return None


def _markdown(run_id: int, rows: list[tuple[object, ...]]) -> str:
    flow, state, seconds, asked, absent, detail = rows[0][:6]
    lines = [f"**{flow}**: {state}, run {run_id}, {seconds:,.0f} s"]
    if asked:
        lines.append(f"Asked for {asked:,} items; {absent:,} brought nothing.")
    numbers = [row[6:] for row in rows if row[6] is not None]
    if numbers:
        lines.append("\n".join(_table(COLUMNS, numbers)))
    if detail:
        lines.append(f"```\n{detail}\n```")
    return "\n\n".join(lines)


def _table(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)]]
    lines += [[f"{each:,}" if isinstance(each, int) else str(each) for each in row] for row in rows]
    return [f"| {' | '.join(line)} |" for line in lines]
