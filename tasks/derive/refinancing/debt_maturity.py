"""debt_maturity: maturity ladders as filed, with the dates of each bucket."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.debt_maturity import CONTRACT
from tasks.derive.debt.ladder_windows import SHORT_TERM
from tasks.derive.debt.ladders import Ladder, build_ladders
from tasks.derive.debt.short_term import add_short_term
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.refinancing.inputs_sql import CHANGED_FACTS_SQL, MIN_DATE_SQL, build_replace_where
from tasks.derive.refinancing.read import read_company_profiles, read_facts
from tasks.derive.xbrl.facts import Fact
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
        for ladder in _build_ladders(facts, profiles.get(cik, (None, None))[0])
        for row in ladder_rows(ladder)
    ]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, build_replace_where(starts))


def _build_ladders(facts: Sequence[Fact], fiscal_year_end: str | None) -> list[Ladder]:
    believed = ever_believed(facts)
    return add_short_term(build_ladders(believed, fiscal_year_end), believed)


def ladder_rows(ladder: Ladder) -> list[dict[str, Any]]:
    """Return one row per bucket of a ladder, without the company."""
    amounts = {bucket: fact.value for bucket, fact in ladder.facts.items()}
    windows = dict(ladder.windows)
    if ladder.short_term_usd:
        amounts[SHORT_TERM] = ladder.short_term_usd
        windows[SHORT_TERM] = ladder.short_term_window
    rows = []
    for bucket, amount in amounts.items():
        window, filing = windows.get(bucket), ladder.filing
        rows.append(
            {
                "period_end": ladder.period_end,
                "bucket": bucket,
                "accession_number": filing.accession,
                "amount_usd": amount,
                "family": ladder.family,
                "layout": ladder.layout,
                "window_start": None if window is None else window.start,
                "window_end": None if window is None else window.end,
                "is_partial": ladder.is_partial,
                "form": filing.form,
                "filed_date": filing.filed,
                "known_from": filing.known_from,
            }
        )
    return rows


TABLE = DerivedTable(
    CONTRACT, INPUTS, _derive, logic_version=2, reference_files=("concept", "filing_form")
)
