"""Maturity ladders as filed, with the dates that each bucket covers."""

from typing import Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.tables.debt_maturity import CONTRACT
from tasks.derive.debt.ladders import Ladder, bucket_tags, build_ladders
from tasks.derive.incremental.changes import DerivedBatch, read_changes
from tasks.derive.refinancing.inputs_sql import (
    CHANGED_FACTS_SQL,
    MIN_DATE_SQL,
    build_replace_where,
    polars_schema,
    read_company_profiles,
    read_facts,
)
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection
from warehouse.settings import Settings

INPUTS = {
    "company_fact": CHANGED_FACTS_SQL,
    # its fiscal year dates the first quarterly ladders
    "company": f"select item as subject, {MIN_DATE_SQL} as first_date from change",
}


@task(name="derive debt_maturity", cache_policy=NO_CACHE)
def derive_debt_maturity(settings: Settings) -> DerivedBatch | None:
    """Derives the ladders of the companies that filed.

    Returns:
        The rows to publish; None where every company is up to date.
    """
    with adbc_connection(settings) as connection:
        # one snapshot: a load that commits meanwhile is followed next time
        arrow.execute(connection, "set transaction isolation level repeatable read read only")
        changes = read_changes(connection, CONTRACT.table, INPUTS)
        starts = {int(cik): day for cik, day in sorted(changes.dirty_from.items())}
        if not starts:
            return None
        particulars = read_company_profiles(connection)
        rows = [
            row | {"cik": cik}
            for cik, facts in read_facts(connection, [*starts], [*bucket_tags()])
            for ladder in build_ladders(facts, particulars.get(cik, (None, None))[0])
            for row in ladder_rows(ladder)
        ]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedBatch(CONTRACT, frame, build_replace_where(starts), changes)


def ladder_rows(ladder: Ladder) -> list[dict[str, Any]]:
    """One row per bucket of a ladder: the columns of `derived.debt_maturity` but the company."""
    rows = []
    for bucket, fact in ladder.facts.items():
        window = ladder.windows.get(bucket)
        rows.append(
            {
                "period_end": ladder.period_end,
                "bucket": bucket,
                "accession_number": fact.accession,
                "amount_usd": fact.value,
                "family": ladder.family,
                "layout": ladder.layout,
                "window_start": None if window is None else window.start,
                "window_end": None if window is None else window.end,
                "is_partial": ladder.is_partial,
                "form": fact.form,
                "filed_date": fact.filed,
                "known_from": fact.known_from,
            }
        )
    return rows
