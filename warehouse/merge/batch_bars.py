"""The bars of a batch, as the searches for renamed and reused tickers read them."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from expectations.contract import Contract
from warehouse.connect import arrow
from warehouse.merge.ticker_map import TickerMapWriter

STAGED = "batch_bar"


@dataclass(frozen=True)
class BatchBars:
    """Bars of a batch. Of most batches, the searches need no more than the tickers and dates.

    Attributes:
        writer: Writes the map, which has every ticker of the batch.
        contract: Of the bars.
        listed: The relation of the tickers: `ticker, first_date, last_date`.
        bars: The bars.
    """

    writer: TickerMapWriter
    contract: Contract
    listed: str
    bars: pl.DataFrame

    @property
    def same_bar(self) -> str:
        """Return SQL that is true if a bar of the batch (`new`) repeats a stored bar (`old`)."""
        return self.contract.repeats_identity

    def stage(self, tickers: Iterable[str]) -> str:
        """Stage the bars of these tickers; return their relation."""
        staged = (column.name for column in self.contract.extra_staged_columns)
        names = (*self.contract.natural_key, *self.contract.identity_columns, *staged)
        rows = self.bars.filter(pl.col("ticker").is_in([*tickers])).select(names)
        arrow.stage(self.writer.connection, STAGED, rows.to_arrow())
        return STAGED
