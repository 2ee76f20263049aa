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
from expectations import corporate_action, daily_price
from expectations.contract import Contract
from tasks.announce import announce
from tasks.commit import commit_once
from tasks.extract.ledger import as_refused
from tasks.filing_dues import Dues, write_dues
from tasks.record import Run, append_fetches, append_quarantine, append_results
from tasks.validate import BatchRefused, Validated
from warehouse import arrow
from warehouse.merge import Counts, begin, merge

REFRESH_FACTORS = Path(warehouse.__path__[0]) / "sql" / "refresh_factors.sql"


@dataclass(frozen=True)
class Batch:
    """What one transaction loads.

    Attributes:
        fetches: Rows for `audit.fetch`: what was asked and what came of it.
        validated: What validation made of each table's rows, with the table's contract.
        refusal: What validation said where it refused the batch; `validated` is empty then.
        dues: Filings that the batch notes or settles.
    """

    fetches: pd.DataFrame
    validated: Sequence[tuple[Contract, Validated]] = ()
    refusal: BatchRefused | None = None
    dues: Dues | None = None


@task(name="load", cache_policy=NO_CACHE)
def load(batch: Batch, run: Run) -> dict[str, Counts]:
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
    if batch.refusal is not None:
        batch = replace(batch, fetches=as_refused(batch.fetches, str(batch.refusal)))
        run.refusals.append(str(batch.refusal))
    counts = commit_once(run, lambda connection: _write(connection, batch, run.run_id)) or {}
    run.note_fetches(batch.fetches)
    for contract, validated in batch.validated:
        run.count(
            contract.table,
            **asdict(counts[contract.table]),
            quarantined=validated.quarantine["key"].nunique(),
        )
    return counts


def _write(connection: adbc.Connection, batch: Batch, run_id: int) -> dict[str, Counts]:
    counts: dict[str, Counts] = {}
    instant = begin(connection, [contract for contract, _ in batch.validated])
    append_fetches(connection, run_id, batch.fetches)
    if batch.refusal is not None:
        append_results(connection, run_id, batch.refusal.results)
    for contract, validated in batch.validated:
        append_quarantine(connection, run_id, validated.quarantine)
        append_results(connection, run_id, validated.results)
        counts[contract.table] = merge(connection, contract, validated.good, run_id, instant)
        announce(connection, contract.table, run_id, counts[contract.table])
    if {daily_price.CONTRACT.table, corporate_action.CONTRACT.table} <= set(counts):
        # in this transaction, so that no reader sees a split without its factor
        for statement in REFRESH_FACTORS.read_text().split("-- next statement"):
            arrow.execute(connection, statement)
    if batch.dues is not None:
        write_dues(connection, run_id, batch.dues)
    return counts
