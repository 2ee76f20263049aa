"""What the searches for renamed and reused tickers read of a batch."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from expectations.contract import Contract
from warehouse.connect import arrow
from warehouse.merge.ticker_map import TickerMapWriter


@dataclass(frozen=True)
class TickerSearch:
    """Hold what the searches for renamed and reused tickers read.

    In most batches they need the tickers and dates alone, so the bars are staged on demand.

    Attributes:
        writer: Writes the map, which has every ticker of the batch.
        contract: Of the bars.
        ticker_dates: The relation of the tickers: `ticker, first_date, last_date`.
        bars: The bars of the batch.
    """

    writer: TickerMapWriter
    contract: Contract
    ticker_dates: str
    bars: pl.DataFrame

    def stage_bars(self, tickers: Iterable[str]) -> str:
        """Stage the bars of these tickers; return their relation."""
        extra = (column.name for column in self.contract.comparison_columns)
        names = (*self.contract.natural_key, *self.contract.identity_columns, *extra)
        rows = self.bars.filter(pl.col("ticker").is_in([*tickers])).select(names)
        arrow.stage(self.writer.connection, "batch_bar", rows.to_arrow())
        return "batch_bar"
