"""Index members by day as a matrix of snapshots and instruments."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

NO_SECTOR = ""


@dataclass(frozen=True)
class MembershipMatrix:
    """The members of one index over time, as arrays of one row per snapshot in force.

    Attributes:
        instruments: All that ever were members, in order.
        sectors: The names of the sectors; `NO_SECTOR` for members without one.
        from_days: The first day (since 1970) on which each snapshot is in force.
        as_of_days: The day (since 1970) that each snapshot describes.
        sector: By snapshot and instrument: the sector's number, -1 for no member.
        weight: By snapshot and instrument: weight in percent.
    """

    instruments: NDArray[np.int32]
    sectors: list[str]
    from_days: NDArray[np.int32]
    as_of_days: NDArray[np.int32]
    sector: NDArray[np.int8]
    weight: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Return the number of sectors."""
        return len(self.sectors)

    def snapshot_index_on(self, days: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the snapshot in force on each day; before the first was known, the first."""
        return np.maximum(np.searchsorted(self.from_days, days, side="right") - 1, 0)

    def sector_and_weight_of(
        self, days: NDArray[np.int32], instrument: NDArray[np.int64]
    ) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        """Return the sector (-1: no member that day) and the weight of each bar."""
        if not len(days):
            return np.empty(0, dtype=np.int8), np.empty(0)
        first = days.min()
        snapshot = self.snapshot_index_on(np.arange(first, days.max() + 1, dtype=np.int32))[
            days - first
        ]
        return self.sector[snapshot, instrument], self.weight[snapshot, instrument]

    def member_counts_on(self, days: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the number of members of each sector by day."""
        sizes = [np.bincount(row[row >= 0], minlength=self.width) for row in self.sector]
        return np.array(sizes)[self.snapshot_index_on(days)]


def build_membership_matrix(snapshots: pl.DataFrame) -> MembershipMatrix:
    """Build the matrix of the snapshots that are in force on some day.

    On a day the latest known snapshot is in force: one that describes an older day than a
    snapshot known before it never is.

    Args:
        snapshots: `as_of_date`, `known_from`, `instrument_id`, `sector`, `weight_pct`.
    """
    known = (
        snapshots.group_by("as_of_date")
        .agg(pl.col("known_from").min())
        .sort("known_from", "as_of_date")
        .filter(pl.col("as_of_date") == pl.col("as_of_date").cum_max())
        .unique("known_from", keep="last", maintain_order=True)
        .sort("known_from")
    )
    rows = snapshots.join(known.select("as_of_date").with_row_index("snapshot"), on="as_of_date")
    instruments = snapshots["instrument_id"].unique().sort().to_numpy()
    sectors = snapshots["sector"].fill_null(NO_SECTOR).unique().sort().to_list()
    at = rows["snapshot"].to_numpy(), np.searchsorted(instruments, rows["instrument_id"].to_numpy())
    sector = np.full((known.height, len(instruments)), -1, dtype=np.int8)
    sector[at] = np.searchsorted(sectors, rows["sector"].fill_null(NO_SECTOR).to_list())
    weight = np.zeros(sector.shape)
    weight[at] = rows["weight_pct"].to_numpy()
    days = known.with_columns(pl.col("known_from", "as_of_date").to_physical())
    return MembershipMatrix(
        instruments,
        sectors,
        days["known_from"].to_numpy(),
        days["as_of_date"].to_numpy(),
        sector,
        weight,
    )
