"""debt_maturity: maturity ladders as filed, with the dates of each bucket."""

from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.debt_maturity import CONTRACT
from tasks.derive.debt.ladders import Ladder, build_ladders
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing.inputs_sql import CHANGED_FACTS_SQL, MIN_DATE_SQL, build_replace_where
from tasks.derive.refinancing.read import read_company_profiles, read_facts
from tasks.derive.xbrl.scale import ever_believed

INPUTS = {
    "company_fact": CHANGED_FACTS_SQL,
    # its fiscal year dates the first quarterly ladders
    "company": f"select item as subject, {MIN_DATE_SQL} as first_date from change",
}


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive the ladders of the companies that filed."""
    starts = {int(cik): day for cik, day in sorted(changes.dirty_from.items())}
    profiles = read_company_profiles(connection)
    rows = [
        row | {"cik": cik}
        for cik, facts in read_facts(connection, [*starts])
        for ladder in build_ladders(ever_believed(facts), profiles.get(cik, (None, None))[0])
        for row in ladder_rows(ladder)
    ]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, build_replace_where(starts))


def ladder_rows(ladder: Ladder) -> list[dict[str, Any]]:
    """Return one row per bucket of a ladder, without the company."""
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


TABLE = DerivedTable(
    CONTRACT, INPUTS, _derive, logic_version=2, reference_files=("concept", "filing_form")
)
