"""index_concentration: weight of the largest members, per index and snapshot."""

from datetime import date
from math import fsum
from pathlib import Path

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

import warehouse
from expectations.tables.index_concentration import CONTRACT
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.incremental.index_members import CHANGED_SNAPSHOTS_SQL
from warehouse.connect import arrow

MAGNIFICENT_SEVEN = Path(warehouse.__path__[0]) / "reference" / "magnificent_seven.csv"
INPUTS = {"index_membership": CHANGED_SNAPSHOTS_SQL}


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows:
    """Derive the concentration of the changed snapshots and those known later."""
    derived, replaced = [], []
    for index_code, start in sorted(changes.dirty_from.items()):
        derived.append(derive_concentration(_read_weights(connection, index_code, start)))
        replaced.append(
            f"(old.index_code = '{index_code}' and old.known_from >= '{start.isoformat()}')"
        )
    return DerivedRows(pl.concat(derived), " or ".join(replaced))


def _read_weights(connection: adbc.Connection, index_code: str, start: date) -> pl.DataFrame:
    return arrow.read(
        connection,
        """
        select index_code, as_of_date, known_from, ticker, weight_pct
        from core.index_membership
        where index_code = $1 and known_from >= $2
        """,
        (index_code, start),
    )


def derive_concentration(weights: pl.DataFrame) -> pl.DataFrame:
    """Return the concentration of each snapshot.

    Sums are exact to the last bit (`math.fsum`), so they do not depend on the order of members.

    Args:
        weights: One row per member: `index_code`, `as_of_date`, `known_from`, `ticker`,
            `weight_pct`.

    Returns:
        One row per snapshot: the columns of `derived.index_concentration`.
    """
    seven = pl.read_csv(MAGNIFICENT_SEVEN)["ticker"].to_list()
    snapshots = weights.group_by("index_code", "as_of_date", maintain_order=True).agg(
        pl.col("known_from").min(),
        pl.col("weight_pct").sort(descending=True).alias("weights"),
        pl.col("weight_pct").filter(pl.col("ticker").is_in(seven)).alias("seven"),
    )
    rows = []
    for snapshot in snapshots.iter_rows(named=True):
        weights_pct, seven_pct = snapshot.pop("weights"), snapshot.pop("seven")
        hhi = fsum((weight / 100) ** 2 for weight in weights_pct)
        rows.append(
            snapshot
            | {
                "members": len(weights_pct),
                "top_10_weight_pct": fsum(weights_pct[:10]),
                "hhi": hhi,
                "effective_members": 1 / hhi,
                "magnificent_seven_weight_pct": fsum(seven_pct),
            }
        )
    return pl.DataFrame(rows, schema=polars_schema(CONTRACT))


TABLE = DerivedTable(CONTRACT, INPUTS, _derive, reference_files=("magnificent_seven",))
