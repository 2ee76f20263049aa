"""Index members by day, with the companies (SEC filers) behind them."""

from collections.abc import Sequence
from datetime import date

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from tasks.derive.refinancing.company_row import IndexListing
from warehouse.connect import arrow
from warehouse.reference import read_reference


class IndexMembership:
    """Members of each index on a day, with the CIK of each filer."""

    def __init__(self, snapshots: pl.DataFrame, filers: pl.DataFrame) -> None:
        """Take all snapshots and all mappings of instruments to filers.

        Args:
            snapshots: `index_code`, `as_of_date`, `known_from`, `instrument_id`, `ticker`, `name`,
                `sector`, `weight_pct`.
            filers: `instrument_id`, `known_from`, `cik`, as `derived.instrument_cik` has them.
        """
        self._snapshots = {str(key[0]): rows for key, rows in snapshots.group_by("index_code")}
        self._ciks: dict[int, list[tuple[date, int]]] = {}
        for instrument, known_from, cik in filers.sort("instrument_id", "known_from").iter_rows():
            self._ciks.setdefault(instrument, []).append((known_from, cik))
        self._on: dict[date, dict[int, IndexListing]] = {}

    @property
    def indexes(self) -> list[str]:
        """Return the indexes that have members, in fund.csv's order."""
        return [code for code in read_reference("fund")["index_code"] if code in self._snapshots]

    def cik_of(self, instrument_id: int, day: date) -> int | None:
        """Return a member's filer on a day; before the first mapping, the first."""
        mappings = self._ciks.get(instrument_id)
        if not mappings:
            return None
        known = [cik for known_from, cik in mappings if known_from <= day]
        return known[-1] if known else mappings[0][1]

    def listed(self, index_code: str, day: date) -> tuple[pl.DataFrame, bool]:
        """Return the snapshot of an index in force on a day, and whether it is backcast.

        Returns:
            The snapshot's rows with `cik`, by descending weight; and `is_backcast`.
        """
        rows = self._snapshots[index_code]
        known = rows.filter(pl.col("known_from") <= day)
        if known.is_empty():
            first = rows.sort("known_from", "as_of_date", descending=[False, True]).head(1)
            as_of_date = first["as_of_date"][0]
        else:
            as_of_date = known["as_of_date"].max()
        found = rows.filter(pl.col("as_of_date") == as_of_date)
        ciks = [self.cik_of(instrument, day) for instrument in found["instrument_id"]]
        found = found.with_columns(pl.Series("cik", ciks, dtype=pl.Int32))
        return found.sort(["weight_pct", "ticker"], descending=[True, False]), known.is_empty()

    def on(self, day: date) -> dict[int, IndexListing]:
        """Return filer to its listing in the first index that lists it."""
        if day not in self._on:
            found: dict[int, IndexListing] = {}
            for code in self.indexes:
                rows, is_backcast = self.listed(code, day)
                for cik, instrument, ticker, name, sector in rows.select(
                    "cik", "instrument_id", "ticker", "name", "sector"
                ).iter_rows():
                    if cik is not None and cik not in found:
                        found[cik] = IndexListing(
                            code, ticker, name, sector, is_backcast, instrument
                        )
            self._on[day] = found
        return self._on[day]


def read_members(connection: adbc.Connection, days: Sequence[date]) -> IndexMembership:
    """Return the members of all indexes on the given days, by the snapshots in force.

    Args:
        connection: In the transaction in which the rest is read.
        days: One or more.
    """
    values = ", ".join(f"(date '{day.isoformat()}')" for day in days)
    return IndexMembership(
        arrow.read(
            connection,
            f"""
            with in_force as (
                select distinct loaded.index_code, coalesce(known.as_of_date, first.as_of_date)
                    as as_of_date
                from derived.loaded_index as loaded
                cross join (values {values}) as requested(day)
                cross join lateral (
                    select as_of_date from core.index_membership
                    where index_code = loaded.index_code
                    order by known_from, as_of_date desc limit 1
                ) as first
                left join lateral (
                    select max(as_of_date) as as_of_date from core.index_membership
                    where index_code = loaded.index_code and known_from <= requested.day
                ) as known on true
            )
            select
                index_code, as_of_date, member.known_from, member.instrument_id, member.ticker,
                member.name, member.sector, member.weight_pct
            from in_force join core.index_membership as member using (index_code, as_of_date)
            """,
        ),
        arrow.read(connection, "select instrument_id, known_from, cik from derived.instrument_cik"),
    )
