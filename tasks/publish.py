"""Publishes derived rows: checked, merged and committed in one transaction, then announced."""

from dataclasses import asdict

from adbc_driver_postgresql import dbapi as adbc
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.announce import announce, has_changes
from tasks.commit import commit_once
from tasks.derive.follow import Derived, read_followed
from tasks.record import Run, append_results
from tasks.validate import BatchRefused, validate
from warehouse import arrow
from warehouse.connections import bulk
from warehouse.merge import Counts, begin, merge


@task(name="publish", cache_policy=NO_CACHE)
def publish(derived: Derived | None, run: Run) -> bool:
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
        counts = write(derived, run)
    except BatchRefused as refusal:
        get_run_logger().error("%s", refusal)
        run.refusals.append(str(refusal))
        return False
    if counts is None:
        get_run_logger().info("%s: another run has derived it meanwhile", table)
        return False
    run.count(table, **asdict(counts))
    return has_changes(asdict(counts))


def write(derived: Derived, run: Run) -> Counts | None:
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
    except BatchRefused as refusal:
        with bulk(run.settings) as connection:
            append_results(connection, run.run_id, refusal.results)
            connection.commit()
        raise

    def merge_all(connection: adbc.Connection) -> Counts | None:
        instant = begin(connection, [derived.contract])
        if read_followed(connection, table, derived.changes.since) != derived.changes.since:
            return None
        append_results(connection, run.run_id, validated.results)
        counts = merge(
            connection, derived.contract, derived.rows, run.run_id, instant, derived.replaced
        )
        for input_table, change_id in derived.changes.until.items():
            arrow.execute(
                connection,
                f"""
                insert into audit.derivation values ('{table}', '{input_table}', {change_id})
                on conflict (derived_table, input_table)
                do update set change_id = excluded.change_id
                """,
            )
        announce(connection, table, run.run_id, counts)
        return counts

    return commit_once(run, merge_all)
