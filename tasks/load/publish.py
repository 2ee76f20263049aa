"""Publishes derived rows: checked, merged and committed in one transaction, then announced."""

from dataclasses import asdict

from adbc_driver_postgresql import dbapi as adbc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.derive.incremental.changes import DerivedBatch, read_watermarks
from tasks.run.context import RunContext, insert_validation_results
from tasks.run.events import has_changes, notify_table_changed
from tasks.run.transaction import commit_exactly_once
from tasks.validate.validate import ValidationFailed, validate
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.merge.merge import MergeCounts, lock_tables, merge


@task(name="publish", cache_policy=NO_CACHE)
def publish(derived: DerivedBatch | None, run: RunContext) -> bool:
    """Brings a derived table up to what was derived for it.

    Where the rows break a rule, yesterday's stay published, and the run fails at its end: tables
    that are not made of this one go on.

    Returns:
        Whether anything was published.
    """
    if derived is None:
        return False
    table = derived.contract.table
    try:
        counts = validate_and_merge(derived, run)
    except ValidationFailed as refusal:
        get_run_logger().error("%s", refusal)
        run.validation_failures.append(str(refusal))
        return False
    if counts is None:
        get_run_logger().info("%s: another run has derived it meanwhile", table)
        return False
    run.count(table, **asdict(counts))
    return has_changes(asdict(counts))


def validate_and_merge(derived: DerivedBatch, run: RunContext) -> MergeCounts | None:
    """Checks and merges derived rows in one transaction.

    Readers see the old rows until all new ones are there. A derivation that another one has
    overtaken meanwhile is dropped: the other has seen all that this one saw.

    Returns:
        What became of the rows; None where they were dropped.

    Raises:
        BatchRefused: when the rows break a rule; nothing is written then but what broke it, in
            `audit.validation`.
    """
    table = derived.contract.table
    try:
        validated = validate(derived.contract, derived.rows.to_pandas())
    except ValidationFailed as refusal:
        with adbc_connection(run.settings) as connection:
            insert_validation_results(connection, run.run_id, refusal.results)
            connection.commit()
        raise

    def merge_all(connection: adbc.Connection) -> MergeCounts | None:
        instant = lock_tables(connection, [derived.contract])
        if (
            read_watermarks(connection, table, derived.changes.from_watermark)
            != derived.changes.from_watermark
        ):
            return None
        insert_validation_results(connection, run.run_id, validated.rule_results)
        counts = merge(
            connection, derived.contract, derived.rows, run.run_id, instant, derived.replace_where
        )
        for input_table, change_id in derived.changes.to_watermark.items():
            arrow.execute(
                connection,
                f"""
                insert into audit.derivation values ('{table}', '{input_table}', {change_id})
                on conflict (derived_table, input_table)
                do update set change_id = excluded.change_id
                """,
            )
        notify_table_changed(connection, table, run.run_id, counts)
        return counts

    return commit_exactly_once(run, merge_all)
