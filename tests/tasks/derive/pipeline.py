"""Loads, derives and publishes without flows."""

from collections.abc import Sequence
from datetime import date, timedelta
from types import ModuleType

import pandas as pd
import polars as pl

from expectations.contract import Contract
from expectations.tables import corporate_action, daily_price, index_membership
from tasks.derive.breadth import index_concentration, sector_breadth
from tasks.derive.incremental.derived_table import derive_table
from tasks.load.load import load
from tasks.load.publish import validate_and_merge
from tasks.run.audit import FETCH, QUARANTINE, VALIDATION
from tasks.run.context import RunContext
from tasks.validate.validate import Checked
from warehouse.backup.checksum import checksums
from warehouse.connect import arrow
from warehouse.connect.connections import adbc_connection, connect
from warehouse.settings import Settings

DERIVED = (index_concentration, sector_breadth)
NO_ROWS, NO_RESULTS, NO_FETCHES = (
    pd.DataFrame(columns=[column.name for column in columns])
    for columns in (QUARANTINE, VALIDATION, FETCH)
)
FILLED = (
    "audit.derivation, audit.change, audit.load, audit.validation, audit.batch, audit.run, "
    "core.daily_price, core.corporate_action, core.index_membership, core.ticker, core.instrument, "
    "history.daily_price, history.corporate_action, history.index_membership, "
    "derived.adjustment_factor, derived.index_concentration, derived.sector_breadth, "
    "history.index_concentration, history.sector_breadth"
)

Member = tuple[str, str | None, float]


class House:
    """A warehouse in a test's hands."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def empty(self) -> None:
        """Leaves the schema alone."""
        with connect(self.settings, "owner") as connection:
            connection.execute(f"truncate {FILLED} restart identity cascade")

    def run(self) -> RunContext:
        with connect(self.settings) as connection:
            row = connection.execute(
                "insert into audit.run (flow, process) values ('test', 'test:1') returning run_id"
            ).fetchone()
        return RunContext(run_id=row[0], settings=self.settings)

    def load(
        self, *frames: tuple[Contract, pd.DataFrame], fetches: pd.DataFrame = NO_FETCHES
    ) -> None:
        checked = [Checked(contract, frame, NO_ROWS, NO_RESULTS) for contract, frame in frames]
        load.fn(fetches, checked, self.run().writer)

    def load_prices(
        self,
        bars: Sequence[tuple[object, ...]],
        actions: Sequence[tuple[object, ...]] = (),
        fetches: pd.DataFrame = NO_FETCHES,
    ) -> None:
        """Bars as `(ticker, session_date, close, volume)`, actions as the table has them."""
        frame = pd.DataFrame(bars, columns=["ticker", "session_date", "close", "volume"])
        frame["session_date"] = pd.to_datetime(frame["session_date"])
        prices = dict.fromkeys(("open", "high", "low"), frame["close"])
        frame = frame.assign(**prices, source="test", volume_resolution=0.0).astype(
            {"volume": "Int64"}
        )
        acted = pd.DataFrame(actions, columns=["ticker", "ex_date", "kind", "value"])
        acted = acted.assign(ex_date=pd.to_datetime(acted["ex_date"]), source="test")
        acted = acted.astype({"value": float, "ticker": str, "kind": str})
        self.load(
            (daily_price.CONTRACT, frame), (corporate_action.CONTRACT, acted), fetches=fetches
        )

    def load_snapshot(self, index_code: str, known_from: date, members: Sequence[Member]) -> None:
        """A snapshot of the day before it is known, of `(ticker, sector, parts of the whole)`."""
        frame = pd.DataFrame(members, columns=["ticker", "sector", "weight_pct"]).assign(
            weight_pct=lambda rows: 100 * rows["weight_pct"] / rows["weight_pct"].sum(),
            index_code=index_code,
            as_of_date=pd.Timestamp(known_from - timedelta(days=1)),
            known_from=pd.Timestamp(known_from),
            name="name",
            weight_pct_filed=None,
            shares=1.0,
            market_value_usd=1.0,
            price_usd=None,
            exchange="NYSE",
            cusip=None,
            isin=None,
            lei=None,
            fund="IWM",
            source="test",
        )
        frame = frame.astype({"weight_pct_filed": float, "price_usd": float})
        self.load((index_membership.CONTRACT, frame))

    def derive(self, *modules: ModuleType) -> None:
        """Derives and publishes what changed."""
        for module in modules or DERIVED:
            derived = derive_table.fn(module.TABLE, self.settings)
            if derived is not None:
                validate_and_merge(derived, self.run().writer)

    def rebuild(self) -> None:
        """Derives and publishes everything, as if nothing ever had been."""
        with connect(self.settings, "owner") as connection:
            connection.execute(
                "truncate derived.index_concentration, derived.sector_breadth, audit.derivation"
            )
        self.derive()

    def checksums(self) -> dict[str, str]:
        with connect(self.settings) as connection:
            return {found.table: found.digest for found in checksums(connection)}

    def read(self, query: str) -> pl.DataFrame:
        with adbc_connection(self.settings) as connection:
            return arrow.read(connection, query)
