"""Loads a batch: its good rows, its ledger, its quarantine and its validation results.

One transaction per batch: all of it is there, or none. The same batch twice changes nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
from adbc_driver_postgresql import dbapi as adbc
from prefect import task
from prefect.cache_policies import NO_CACHE

import warehouse
from expectations.contract import Contract
from expectations.tables import corporate_action, daily_price
from tasks.extract.provider.fetch_log import mark_validation_failed
from tasks.load.pending_filings import PendingFilingUpdate, update_pending_filings
from tasks.run.context import (
    RunContext,
    insert_fetches,
    insert_validation_results,
    upsert_quarantine,
)
from tasks.run.events import notify_table_changed
from tasks.run.transaction import commit_exactly_once
from tasks.validate.validate import Validated, ValidationFailed
from warehouse.connect import arrow
from warehouse.merge.merge import MergeCounts, lock_tables, merge

REFRESH_ADJUSTMENT_FACTORS_SQL = (
    Path(warehouse.__path__[0]) / "schema" / "sql" / "refresh_factors.sql"
)


@dataclass(frozen=True)
class LoadBatch:
    """What one transaction loads.

    Attributes:
        fetches: Rows for `audit.fetch`: what was asked and what came of it.
        validated: What validation made of each table's rows, with the table's contract.
        validation_error: What validation said where it refused the batch; `validated` is empty
            then.
        pending_filings: Filings that the batch notes or settles.
    """

    fetches: pd.DataFrame
    validated: Sequence[tuple[Contract, Validated]] = ()
    validation_error: ValidationFailed | None = None
    pending_filings: PendingFilingUpdate | None = None


@task(name="load", cache_policy=NO_CACHE)
def load(batch: LoadBatch, run: RunContext) -> dict[str, MergeCounts]:
    """Loads one batch and counts into the run.

    A refused batch leaves the results that refused it, and no row. Its ledger says refused where a
    provider had rows: they are asked for again.

    Returns:
        Table name to what became of its rows.

    Raises:
        TurnLost: when another run of the flow took over while this one was cut off.
        adbc_driver_manager.Error: when the database refuses a row or stays away: nothing of the
            batch is loaded then, and running it again loads all of it.
    """
    if batch.validation_error is not None:
        batch = replace(
            batch, fetches=mark_validation_failed(batch.fetches, str(batch.validation_error))
        )
        run.validation_failures.append(str(batch.validation_error))
    counts = (
        commit_exactly_once(run, lambda connection: _write_batch(connection, batch, run.run_id))
        or {}
    )
    run.record_fetches(batch.fetches)
    for contract, validated in batch.validated:
        run.count(
            contract.table,
            **asdict(counts[contract.table]),
            quarantined=validated.quarantine["key"].nunique(),
        )
    return counts


def _write_batch(
    connection: adbc.Connection, batch: LoadBatch, run_id: int
) -> dict[str, MergeCounts]:
    counts: dict[str, MergeCounts] = {}
    instant = lock_tables(connection, [contract for contract, _ in batch.validated])
    insert_fetches(connection, run_id, batch.fetches)
    if batch.validation_error is not None:
        insert_validation_results(connection, run_id, batch.validation_error.results)
    for contract, validated in batch.validated:
        upsert_quarantine(connection, run_id, validated.quarantine)
        insert_validation_results(connection, run_id, validated.rule_results)
        counts[contract.table] = merge(connection, contract, validated.valid_rows, run_id, instant)
        notify_table_changed(connection, contract.table, run_id, counts[contract.table])
    if {daily_price.CONTRACT.table, corporate_action.CONTRACT.table} <= set(counts):
        # in this transaction, so that no reader sees a split without its factor
        for statement in REFRESH_ADJUSTMENT_FACTORS_SQL.read_text().split("-- next statement"):
            arrow.execute(connection, statement)
    if batch.pending_filings is not None:
        update_pending_filings(connection, run_id, batch.pending_filings)
    return counts
