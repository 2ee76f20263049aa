"""Read a tape folder into memory and index it for the mock providers."""

import gzip
import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from deployments.sandbox.tape.columns import Columns, TapeError, read_columns
from deployments.sandbox.tape.records import (
    PRICES,
    Actions,
    Bars,
    DatedValues,
    Defect,
    Instrument,
    parse_instant,
    session_open,
)

BARS: Columns = {
    "ticker": pl.String,
    "session_date": pl.Date,
    **dict.fromkeys(PRICES, pl.Float64),
    "volume": pl.Int64,
}
ACTIONS = {"ticker": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
ACTION_KINDS = ("split", "dividend", "capital_gain")  # in the order of the fields of Actions
INSTRUMENTS = {"ticker": pl.String, "first_session": pl.Date, "last_session": pl.Date}
RENAMES = {"type": pl.String, "renamed_to": pl.String, "renamed_on": pl.Date}
VISIBLE = dict.fromkeys(("visible_from", "visible_to"), pl.Datetime("us", "UTC"))
FACTS = ("series_id", "title", "frequency", "units", "seasonal_adjustment", "release_id")
OBSERVATIONS: Columns = {
    "series_id": pl.String,
    "observation_date": pl.Date,
    "value": pl.Float64,
    "realtime_start": pl.Date,
    "realtime_end": pl.Date,
}


@dataclass(frozen=True)
class Tape:
    """A tape in memory; parts missing from the folder are empty."""

    name: str
    kind: str
    clock: datetime
    bars: dict[str, Bars]
    actions: dict[str, Actions]
    instruments: dict[str, list[Instrument]]  # the companies that had the symbol, in turn
    defects: dict[str, list[Defect]]
    series: dict[str, dict[str, str]]
    observations: dict[str, pl.DataFrame]
    release_dates: dict[str, list[date]]
    holdings: dict[str, dict[date, Path]]
    amendments: dict[tuple[str, date], dict[date, Path]]  # of a fund's quarter, by filing date
    companyfacts: dict[int, Path]  # by CIK
    submissions: dict[int, Path]
    company_tickers: list[dict[str, Any]]


def load_tape(folder: Path) -> Tape:
    """Read a tape folder.

    Args:
        folder: The folder that holds ``tape.toml``; every other file may be absent.

    Returns:
        The tape.

    Raises:
        TapeError: When the folder is no tape or one of its files cannot be read.
    """
    label = folder / "tape.toml"
    if not label.is_file():
        raise TapeError(f"{folder} is no tape: it has no {label.name}. Name a folder that has one.")
    try:
        header = tomllib.loads(label.read_text(encoding="utf-8"))
        name, kind = str(header["name"]), str(header["kind"])
        clock = parse_instant(str(header["clock"]))
        if kind not in ("real", "simulated"):
            raise ValueError(f"kind is {kind!r}")
    except (KeyError, ValueError) as error:  # a TOMLDecodeError is a ValueError
        raise TapeError(
            f"{label}: {error!r}. It needs a name, a kind (real or simulated) and a clock, "
            'such as clock = "2024-10-31T23:00:00Z".'
        ) from error
    series = read_columns(folder / "series.csv", dict.fromkeys(FACTS, pl.String)).to_dicts()
    return Tape(
        name=name,
        kind=kind,
        clock=clock,
        bars=_read_bars(folder / "bars.parquet"),
        actions=_read_actions(folder / "actions.csv"),
        instruments=_read_instruments(folder / "instruments.csv"),
        defects=_read_defects(folder / "defects.parquet"),
        series={row["series_id"]: row for row in series},
        observations=_read_observations(folder / "observations.parquet"),
        release_dates=_read_release_dates(folder / "release_dates.csv"),
        holdings=_find_holdings(folder / "holdings"),
        amendments=_find_amendments(folder / "nport_amendments"),
        companyfacts=_find_filers(folder / "companyfacts"),
        submissions=_find_filers(folder / "submissions"),
        company_tickers=_read_tickers(folder / "company_tickers.json.gz"),
    )


def require_data(folder: Path) -> None:
    """Refuse a tape on which every provider has nothing to send.

    Raises:
        TapeError: The folder holds no bar, observation, holdings file or filing.
    """
    tables = {"bars.parquet": "ticker", "observations.parquet": "series_id"}
    has_rows = any(
        len(read_columns(folder / name, {key: pl.String})) for name, key in tables.items()
    )
    if (
        not has_rows
        and not any(folder.glob("holdings/*/*.csv"))
        and not any(folder.glob("companyfacts/*.json.gz"))
    ):
        raise TapeError(
            f"{folder} holds nothing to replay: no rows in bars.parquet or observations.parquet, no"
            " holdings, no companyfacts. Name a folder with one of them."
        )


def _read_bars(file: Path) -> dict[str, Bars]:
    frame = read_columns(file, BARS).sort("ticker", "session_date")
    repeated = frame.filter(pl.struct("ticker", "session_date").is_duplicated())
    if frame.null_count().sum_horizontal().sum() or len(repeated):
        raise TapeError(
            f"{file} has nulls or repeats a session ({repeated.head(1).to_dicts()}). A tape holds "
            "what traded; put the vendor's bad rows into defects.parquet."
        )
    days = frame["session_date"].unique()
    opens = pl.DataFrame({"session_date": days, "opens_at": [session_open(day) for day in days]})
    frame = frame.join(opens, on="session_date", how="left", maintain_order="left")
    dates = frame["session_date"].to_numpy().astype("datetime64[D]")
    opens_at = frame["opens_at"].cast(pl.Int64).to_numpy()
    prices = np.stack([frame[column].to_numpy() for column in PRICES])
    volume = frame["volume"].to_numpy()
    bars, start = {}, 0
    for ticker, count in frame.group_by("ticker", maintain_order=True).len().iter_rows():
        part = slice(start, start + count)
        bars[ticker] = Bars(dates[part], opens_at[part], prices[:, part], volume[part])
        start += count
    return bars


def _read_actions(file: Path) -> dict[str, Actions]:
    frame = read_columns(file, ACTIONS).sort("ticker", "ex_date")
    unknown = frame.filter(~pl.col("kind").is_in(ACTION_KINDS))
    if len(unknown):
        raise TapeError(f"{file}: kind is {unknown['kind'][0]!r}; write one of {ACTION_KINDS}.")
    actions = {}
    for key, rows in frame.partition_by("ticker", as_dict=True).items():
        dates = rows["ex_date"].to_numpy().astype("datetime64[D]")
        every = DatedValues(dates, rows["value"].to_numpy())
        kinds = rows["kind"].to_numpy()
        actions[str(key[0])] = Actions(*(every.filter(kinds == kind) for kind in ACTION_KINDS))
    return actions


def _read_instruments(file: Path) -> dict[str, list[Instrument]]:
    instruments: dict[str, list[Instrument]] = defaultdict(list)
    for row in read_columns(file, INSTRUMENTS, RENAMES).sort("ticker", "first_session").to_dicts():
        row["type"] = row["type"] or "EQUITY"
        instruments[row.pop("ticker")].append(Instrument(**row))
    return dict(instruments)


def _read_defects(file: Path) -> dict[str, list[Defect]]:
    always = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    defects: dict[str, list[Defect]] = defaultdict(list)
    frame = read_columns(file, {**BARS, "kind": pl.String}, VISIBLE)
    for row in frame.sort("ticker", "session_date").to_dicts():
        defects[row["ticker"]].append(
            Defect(
                session_date=row["session_date"],
                prices=tuple(row[column] for column in PRICES),
                volume=row["volume"],
                kind=row["kind"],
                visible_from=row["visible_from"] or always[0],
                visible_to=row["visible_to"] or always[1],
            )
        )
    return dict(defects)


def _read_observations(file: Path) -> dict[str, pl.DataFrame]:
    frame = read_columns(file, OBSERVATIONS).sort("series_id", "observation_date", "realtime_start")
    parts = frame.partition_by("series_id", as_dict=True, include_key=False)
    return {str(key[0]): part for key, part in parts.items()}


def _read_release_dates(file: Path) -> dict[str, list[date]]:
    dates: dict[str, list[date]] = defaultdict(list)
    for release, day in (
        read_columns(file, {"release_id": pl.String, "date": pl.Date}).sort("date").iter_rows()
    ):
        dates[release].append(day)
    return dict(dates)


def _find_holdings(folder: Path) -> dict[str, dict[date, Path]]:
    holdings: dict[str, dict[date, Path]] = defaultdict(dict)
    for file in sorted(folder.glob("*/*.csv")):
        try:
            holdings[file.parent.name][date.fromisoformat(file.stem)] = file
        except ValueError as error:
            raise TapeError(f"{file} is not named by its date, as in 2024-10-31.csv.") from error
    return dict(holdings)


def _find_amendments(folder: Path) -> dict[tuple[str, date], dict[date, Path]]:
    amendments: dict[tuple[str, date], dict[date, Path]] = defaultdict(dict)
    for file in sorted(folder.glob("*/*/*.csv")):
        try:
            quarter_end, filed = (
                date.fromisoformat(name) for name in (file.parent.name, file.stem)
            )
        except ValueError as error:
            raise TapeError(
                f"{file} is not named by quarter and filing date, as in"
                " IWM/2024-09-30/2024-12-16.csv."
            ) from error
        amendments[file.parent.parent.name, quarter_end][filed] = file
    return dict(amendments)


def _find_filers(folder: Path) -> dict[int, Path]:
    filers = {}
    for file in sorted(folder.glob("*.json.gz")):
        match = re.fullmatch(r"CIK(\d{10})\.json\.gz", file.name)
        if not match:
            raise TapeError(f"{file} is not named by its filer, as in CIK0000320193.json.gz.")
        filers[int(match[1])] = file
    return filers


def _read_tickers(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    try:
        rows = list(orjson.loads(gzip.decompress(file.read_bytes())).values())
        if any(not {"cik_str", "ticker", "title"} <= row.keys() for row in rows):
            raise ValueError("a row lacks cik_str, ticker or title")
    except (OSError, EOFError, ValueError, AttributeError) as error:
        raise TapeError(f"{file} cannot be read: {error}. Write the tape again.") from error
    return rows
