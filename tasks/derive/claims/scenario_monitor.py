"""scenario_monitor: the conditions of each scenario, whether they are met, and since when."""

from collections.abc import Sequence
from datetime import date
from itertools import takewhile
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.scenario_monitor import CONTRACT
from tasks.derive.claims.inputs import checksum_queries, inputs_of, run_queries, stored_rows_of
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from warehouse.claims import conditions
from warehouse.query_file import QueryFile

Day = tuple[date, float | None, bool | None]
DAY = pl.Schema({"day": pl.Date(), "value": pl.Float64(), "is_met": pl.Boolean()})


def _derive(connection: adbc.Connection, _changes: ChangeSet) -> DerivedRows:
    """Evaluate every condition on each day; one whose query fails keeps its row."""
    found, failures = run_queries(connection, conditions(), DAY)
    rows = [evaluate_condition(condition, days.rows()) for condition, days in found]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, stored_rows_of("condition", failures), tuple(failures.values()))


def evaluate_condition(condition: QueryFile, days: Sequence[Day]) -> dict[str, Any]:
    """Return the row of a condition.

    Args:
        condition: The condition's file.
        days: Day, value and whether the condition is met, in any order; days on which that is
            unknown (NULL) end no run.
    """
    known = sorted(day for day in days if day[2] is not None)
    met = [day for day, _, is_met in known if is_met]
    run = [day for day, *_ in takewhile(lambda each: each[2], reversed(known))]
    newest = known[-1] if known else (None, None, None)
    return {
        "scenario": condition.header["scenario"],
        "condition": condition.name,
        "description": condition.header["condition"],
        "series": condition.header["series"],
        "threshold": condition.header["threshold"],
        "unit": condition.header["unit"],
        "newest_value": newest[1],
        "is_met": newest[2],
        "met_since": run[-1] if run else None,
        "first_met": met[0] if met else None,
        "last_met": met[-1] if met else None,
        "days_met": len(met),
        "known_since": known[0][0] if known else None,
        "as_of_date": newest[0],
        "evidence_query": condition.query,
    }


TABLE = DerivedTable(
    CONTRACT, inputs_of(CONTRACT), _derive, logic_version=checksum_queries(conditions())
)
