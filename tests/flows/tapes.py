"""What a tape says must be in the warehouse, worked out without the product."""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

CLOCK = "2026-02-13T23:00:00+00:00"
# from a few hundred to a few thousand vintages each; the others' would only take time
KEPT_SERIES = (
    "CPIAUCSL",
    "CPIAUCNS",
    "UNRATE",
    "A191RL1Q225SBEA",
    "ICSA",
    "DFF",
    "VIXCLS",
)
KEPT_SINCE = pl.date(2025, 9, 1)
DAILY = ("DFF", "VIXCLS")
# of the companies that file with the SEC, by their numbers; the others have no facts
FILERS = slice(None, None, 6)
# Besides the true bar: yfinance keeps the first of two rows for one session, which is the true
# one, and a day to come lies outside what is asked for.
NEVER_RECEIVED = ("extra_duplicate", "extra_future")


@dataclass(frozen=True)
class Tape:
    """A tape's folder and the tables in it."""

    folder: Path

    def csv(self, name: str) -> pl.DataFrame:
        """One of the tape's CSV tables, dates parsed."""
        return pl.read_csv(self.folder / f"{name}.csv", try_parse_dates=True)

    def bars(self) -> pl.DataFrame:
        """The bars as traded, renamed listings under the name they have now."""
        instruments = self.csv("instruments").filter(pl.col("renamed_to").is_not_null())
        renamed = dict(instruments.select("ticker", "renamed_to").iter_rows())
        bars = pl.read_parquet(self.folder / "bars.parquet")
        return bars.with_columns(pl.col("ticker").replace(renamed))

    def actions(self) -> pl.DataFrame:
        """The actions, renamed listings under the name they have now."""
        instruments = self.csv("instruments").filter(pl.col("renamed_to").is_not_null())
        renamed = dict(instruments.select("ticker", "renamed_to").iter_rows())
        return self.csv("actions").with_columns(pl.col("ticker").replace(renamed))

    def bad_bars(self, clock: str = CLOCK) -> set[tuple[str, str]]:
        """Ticker and day of the rows that the vendor shows at a clock and must be quarantined."""
        now = datetime.fromisoformat(clock)

        def is_shown(row: dict[str, str]) -> bool:
            since, until = row["visible_from"], row["visible_to"]
            return (not since or datetime.fromisoformat(since) <= now) and (
                not until or datetime.fromisoformat(until) > now
            )

        with (self.folder / "truth.csv").open() as file:
            return {
                (row["ticker"], row["session_date"])
                for row in csv.DictReader(file)
                if row["expected"] == "quarantine"
                and row["kind"] not in NEVER_RECEIVED
                and is_shown(row)
            }

    def observations(self, until: str) -> pl.DataFrame:
        """All vintages up to a day."""
        observations = pl.read_parquet(self.folder / "observations.parquet")
        day = datetime.fromisoformat(until).date()
        return observations.filter(pl.col("realtime_start") <= day)

    def members(self, fund: str, day: str) -> dict[str, float]:
        """Ticker to weight of the shares in a fund's file, read line by line."""
        lines = (self.folder / "holdings" / fund / f"{day}.csv").read_text("utf-8-sig")
        _, _, table = lines.partition("Ticker,")
        rows = pl.read_csv(
            ("Ticker," + table).encode(), infer_schema=False, truncate_ragged_lines=True
        )
        shares = rows.filter(
            pl.col("Asset Class") == "Equity", ~pl.col("Name").str.contains(r"CVR|ESCROW|RIGHT")
        )
        return {
            ticker.replace(" ", "-"): float(weight)
            for ticker, weight in shares.select("Ticker", "Weight (%)").iter_rows()
        }


def thin_out(folder: Path, since: pl.Expr = KEPT_SINCE) -> None:
    """Leaves a tape the macro series and the filers that the tests look at.

    Of daily series what is since a day. And takes out bars that go bad long after: a warehouse
    that held one before keeps it, one that starts afterwards never sees it, so that the two could
    not be compared.
    """
    for name, read, write in (
        ("defects.parquet", pl.read_parquet, pl.DataFrame.write_parquet),
        ("truth.csv", pl.read_csv, pl.DataFrame.write_csv),
    ):
        rows = read(folder / name)
        days = [
            pl.col(column).cast(pl.String).str.slice(0, 10).str.to_date()
            for column in ("session_date", "visible_from")
        ]
        went_bad = days[1] - days[0] > pl.duration(days=100)
        write(rows.filter(~went_bad.fill_null(False)), folder / name)
    for name in ("companyfacts", "submissions"):
        filers = sorted((folder / name).glob("*.gz"))
        for file in set(filers) - set(filers[FILERS]):
            file.unlink()
    file = folder / "observations.parquet"
    kept = pl.read_parquet(file).filter(
        pl.col("series_id").is_in(KEPT_SERIES),
        ~pl.col("series_id").is_in(DAILY) | (pl.col("observation_date") >= since),
    )
    kept.write_parquet(file)
    series = pl.read_csv(folder / "series.csv", infer_schema=False)
    series.filter(pl.col("series_id").is_in(KEPT_SERIES)).write_csv(folder / "series.csv")
