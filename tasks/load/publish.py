"""Publish derived rows: validate, merge and notify in one transaction."""

from dataclasses import asdict

import polars.selectors as cs
from adbc_driver_postgresql import dbapi as adbc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.derive.incremental.changes import (
    DerivedBatch,
    InternalRows,
    read_watermarks,
    store_watermarks,
)
from tasks.load.load import write_table
from tasks.run.audit import insert_validation_results
from tasks.run.context import RunContext
from tasks.run.events import has_changes
from tasks.run.totals import RunTotals
from tasks.run.transaction import RunWriter
from tasks.validate.validate import Refused, validate
from warehouse.connect import arrow
from warehouse.merge.counts import MergeCounts
from warehouse.merge.merge import lock_tables


@task(name="publish", cache_policy=NO_CACHE)
def publish(derived: DerivedBatch, run: RunContext) -> bool:
    """Validate and merge derived rows; return whether any published row changed.

    Where the changes reach no row, the table's watermarks move alone, so that tables downstream
    follow.

    If the rows break a rule, the published rows stay and the run fails at its end: tables that do
    not depend on this one go on. The run also fails at its end where single rows could not be
    derived.
    """
    table, totals = derived.contract.table, validate_and_merge(derived, run.writer)
    run.add(totals)
    for message in totals.validation_failures:
        get_run_logger().error(message)
    for message in derived.failures:
        report_failure(run, message)
    if derived.rows is not None and not totals.counts and not totals.validation_failures:
        get_run_logger().info("%s: skipped, a newer run already derived it", table)
    return has_changes(totals.counts.get(table, {}))


def report_failure(run: RunContext, message: str) -> None:
    """Log a table or row that could not be derived, and let the run fail at its end."""
    get_run_logger().error(message)
    run.validation_failures.append(message)


def validate_and_merge(derived: DerivedBatch, writer: RunWriter) -> RunTotals:
    """Validate and merge derived rows in one transaction; return its totals.

    Readers see the old rows until all new ones are stored. If another run has published newer
    input changes meanwhile, this result is discarded, and the totals are empty. If the rows break
    a rule, only the rule results are stored. Without rows, only the watermarks move.
    """
    contract, totals = derived.contract, RunTotals()
    checked = None if derived.rows is None else validate(contract, derived.rows.to_pandas())
    if isinstance(checked, Refused):
        refusal = checked

        def insert_results(connection: adbc.Connection) -> bool:
            insert_validation_results(connection, writer.run_id, refusal.rule_results)
            return True

        writer.commit_exactly_once(insert_results)
        return RunTotals(validation_failures=[refusal.message])
    valid = checked

    def write(connection: adbc.Connection) -> MergeCounts | None:
        load_time = lock_tables(connection, [contract])
        since = derived.changes.from_watermark
        if read_watermarks(connection, contract.table, since) != since:
            return None
        counts = MergeCounts()
        if valid is not None:
            counts = write_table(
                connection, valid, writer.run_id, load_time, derived.rows, derived.replace_where
            )
            if derived.internal is not None:
                _replace_internal(connection, derived.internal, derived.replace_where)
        store_watermarks(connection, contract.table, derived.changes)
        return counts

    counts = writer.commit_exactly_once(write)
    if counts is not None and valid is not None:
        totals.count(contract.table, **asdict(counts))
        totals.record_rule_results(valid.rule_results)
    return totals


def _replace_internal(
    connection: adbc.Connection, internal: InternalRows, replace_where: str
) -> None:
    """Replace the rows of an internal table, in the transaction of the rows it belongs to."""
    staged = f"incoming_{internal.table.partition('.')[2]}"
    names = ", ".join(internal.rows.columns)
    rows = internal.rows.with_columns(cs.float().fill_nan(None))
    arrow.stage(connection, staged, rows.to_arrow())
    arrow.execute(connection, f"delete from {internal.table} as old where {replace_where}")
    arrow.execute(
        connection, f"insert into {internal.table} ({names}) select {names} from {staged}"
    )
