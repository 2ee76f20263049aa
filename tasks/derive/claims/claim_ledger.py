"""claim_ledger: each claim about the rotation with its newest verdict and its evidence."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.claim_ledger import CONTRACT
from tasks.derive.claims.inputs import checksum_queries, inputs_of, run_queries, stored_rows_of
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from warehouse.claims import claims
from warehouse.query_file import QueryFile

Row = dict[str, Any]
WITNESS = pl.Schema(
    {
        "witness": pl.String(),
        "measured": pl.Float64(),
        "is_met": pl.Boolean(),
        "reason": pl.String(),
        "as_of_date": pl.Date(),
    }
)


def _derive(connection: adbc.Connection, _changes: ChangeSet) -> DerivedRows:
    """Judge every claim by the tables as they stand; a claim whose query fails keeps its row."""
    found, failures = run_queries(connection, claims(), WITNESS)
    rows = [judge_claim(claim, witnesses.rows(named=True)) for claim, witnesses in found]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, stored_rows_of("claim_id", failures), tuple(failures.values()))


def judge_claim(claim: QueryFile, witnesses: Sequence[Row]) -> Row:
    """Return the ledger row of a claim.

    Args:
        claim: The claim's file.
        witnesses: The rows of its query, the preferred witness first; the first decides, the
            second is shown beside it.
    """
    first, second = (*witnesses, {}, {})[:2]
    verdict, reason = _verdict(claim, first)
    if second and first.get("is_met") is not None and second["is_met"] is not None:
        agrees = second["is_met"] == first["is_met"]
        reason += f" {second['witness']} {'agrees' if agrees else 'disagrees'}: {second['reason']}"
    return {
        "claim_id": claim.name,
        "statement": claim.header["statement"],
        "said": claim.header["said"],
        "measure": claim.header["measure"],
        "unit": claim.header["unit"],
        "supported_if": claim.header["supported if"],
        "contradicted_if": claim.header["contradicted if"],
        "verdict": verdict,
        "reason": reason,
        "witness": first.get("witness"),
        "measured": first.get("measured"),
        "second_witness": second.get("witness"),
        "second_measured": second.get("measured"),
        "as_of_date": first.get("as_of_date"),
        "evidence_query": claim.query,
    }


def _verdict(claim: QueryFile, first: Row) -> tuple[str, str]:
    reason = str(first.get("reason") or "The query returns no row.")
    if cause := claim.header.get("not measurable"):
        return "not_measurable", f"{cause} {reason}" if first else cause
    if first.get("is_met") is None:
        return "insufficient_data", reason
    return ("supported" if first["is_met"] else "contradicted"), reason


TABLE = DerivedTable(
    CONTRACT,
    inputs_of(CONTRACT),
    _derive,
    logic_version=checksum_queries(claims()),
)
