"""debt_maturity: maturity ladders as filed, with the dates of each bucket."""

from collections.abc import Mapping, Sequence
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
from tasks.derive.refinancing.read import (
    facts_by_company,
    read_company_profiles,
    read_fact_shards,
)
from tasks.derive.xbrl.facts import Fact
from tasks.derive.xbrl.scale import ever_believed
from tasks.run.task_runner import map_shards

INPUTS = {
    "company_fact": CHANGED_FACTS_SQL,
    # its fiscal year dates the first quarterly ladders
    "company": f"select item as subject, {MIN_DATE_SQL} as first_date from change",
}


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive the ladders of the companies that filed."""
    starts = {int(cik): day for cik, day in sorted(changes.dirty_from.items())}
    profiles = read_company_profiles(connection)
    shards = (
        ({cik: profiles.get(cik, (None, None))[0] for cik in companies}, facts)
        for companies, facts in read_fact_shards(connection, [*starts])
    )
    frame = pl.concat(
        [pl.DataFrame(schema=polars_schema(CONTRACT)), *map_shards(rows_of_ladders, shards)]
    )
    return DerivedRows(frame, build_replace_where(starts))


def rows_of_ladders(
    fiscal_year_ends: Mapping[int, str | None], facts: pl.DataFrame
) -> pl.DataFrame:
    """Return the rows of a shard of companies, one per bucket of a ladder.

    Args:
        fiscal_year_ends: MMDD where known, by company.
        facts: All facts of these companies, as `read_fact_shards` yields them.
    """
    rows = [
        row | {"cik": cik}
        for cik, company_facts in facts_by_company(facts, fiscal_year_ends)
        for ladder in _build_ladders(company_facts, fiscal_year_ends[cik])
        for row in ladder_rows(ladder)
    ]
    return pl.DataFrame(rows, schema=polars_schema(CONTRACT))


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
    CONTRACT, INPUTS, _derive, logic_version=3, reference_files=("concept", "filing_form")
)
