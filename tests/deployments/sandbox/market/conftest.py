"""One small simulated tape for all tests of the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from deployments.sandbox.market import simulate

SMALLEST = {"small": 20, "large": 8, "years": 1}


@dataclass(frozen=True)
class Tape:
    """A tape's folder and the tables in it."""

    folder: Path

    def csv(self, name: str) -> pl.DataFrame:
        """One of the tape's CSV tables, dates parsed."""
        return pl.read_csv(self.folder / f"{name}.csv", try_parse_dates=True)

    def parquet(self, name: str) -> pl.DataFrame:
        """One of the tape's Parquet tables."""
        return pl.read_parquet(self.folder / f"{name}.parquet")

    @property
    def bars(self) -> pl.DataFrame:
        """The bars as traded."""
        return self.parquet("bars")

    def moves(self) -> pl.DataFrame:
        """Bars with `before` (the previous close, splits and dividends taken out) and `ratio`."""
        actions = self.csv("actions").rename({"ex_date": "session_date"})
        key = ["ticker", "session_date"]
        splits = actions.filter(pl.col("kind") == "split").select(*key, split="value")
        paid = actions.filter(pl.col("kind") != "split").group_by(key).agg(paid=pl.sum("value"))
        return (
            self.bars.join(splits, on=key, how="left")
            .join(paid, on=key, how="left")
            .sort(key)
            .with_columns(
                before=pl.col("close").shift(1).over("ticker") / pl.col("split").fill_null(1.0)
                - pl.col("paid").fill_null(0.0)
            )
            .with_columns(ratio=pl.col("close") / pl.col("before"))
        )


@pytest.fixture(scope="session")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """The smallest tape that holds one of everything."""
    folder = tmp_path_factory.mktemp("market") / "tape"
    simulate(folder, **SMALLEST)
    return Tape(folder)


@pytest.fixture(scope="session")
def longer_tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """The default tape: three years, with June lists and the closing of 2025-01-09."""
    folder = tmp_path_factory.mktemp("market") / "longer"
    simulate(folder)
    return Tape(folder)
