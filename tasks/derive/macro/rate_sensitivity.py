"""rate_sensitivity: betas of sector funds and index sectors to changes of Treasury yields."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
from adbc_driver_postgresql import dbapi as adbc
from numpy.typing import NDArray

from expectations.tables.rate_sensitivity import CONTRACT, WINDOWS
from tasks.derive.breadth import sector_breadth
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.macro.returns import read_growth
from tasks.derive.macro.sensitivity import (
    ReturnPairs,
    YieldVersion,
    count_known,
    pair_returns,
    regress_windows,
    yield_versions,
)
from tasks.derive.macro.vintages import read_sessions, read_vintages
from tasks.derive.rotation.closes import CHANGED_TICKERS_SQL
from warehouse.connect import arrow
from warehouse.reference import read_reference

SERIES = {"dgs2": "DGS2", "dgs10": "DGS10"}
YIELDS = "yields"
# the sessions of 252 pairs, with room for bank holidays and for yields not known yet
LOOKBACK = timedelta(days=450)

_INDEXES = "select 'index/' || subject as subject, first_date from ({sql}) as by_index"
INPUTS = {
    table: f"{CHANGED_TICKERS_SQL} union all {_INDEXES.format(sql=sector_breadth.INPUTS[table])}"
    for table in ("daily_price", "corporate_action")
} | {
    "index_membership": _INDEXES.format(sql=sector_breadth.INPUTS["index_membership"]),
    "macro_observation": f"""
        select '{YIELDS}' as subject, from_date as first_date from change
        where item in ('DGS2', 'DGS10')
    """,
}


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows | None:
    """Derive the betas of each subject from the first session that a change reaches."""
    starts = _changed_groups(connection, changes)
    if not starts:
        return None
    frames = [_derive_from(connection, groups, start) for start, groups in _by_start(starts)]
    return DerivedRows(pl.concat(frames), _replaced_rows(starts))


def _changed_groups(connection: adbc.Connection, changes: ChangeSet) -> dict[str, date]:
    """Return the funds and indexes (as `index/CODE`) to derive, with the first session."""
    stored = arrow.read(
        connection,
        """
        select index_code, exists (
            select from derived.rate_sensitivity where subject = index_code || '/All'
        ) as is_stored
        from derived.loaded_index as loaded
        where exists (
            select from derived.sector_breadth as breadth
            where breadth.index_code = loaded.index_code
        )
        """,
    )
    names = [*read_reference("sector_fund")["ticker"]]
    names += [f"index/{code}" for code in stored["index_code"]]
    by_yields = changes.dirty_from.get(YIELDS, date.max)
    starts = {name: min(by_yields, changes.dirty_from.get(name, date.max)) for name in names}
    # breadth that was published for the first time: earlier changes of its inputs are past
    starts |= {f"index/{code}": date.min for code, is_stored in stored.iter_rows() if not is_stored}
    return {name: start for name, start in starts.items() if start < date.max}


def _by_start(starts: Mapping[str, date]) -> list[tuple[date, list[str]]]:
    """Return the groups that start on the same session together: they are read at once."""
    days = sorted(set(starts.values()))
    return [(day, [name for name, start in starts.items() if start == day]) for day in days]


def _replaced_rows(starts: Mapping[str, date]) -> str:
    listed = ", ".join(f"'{ticker}'" for ticker in read_reference("sector_fund")["ticker"])
    parts = [f"(old.kind = 'fund' and old.subject not in ({listed}))"]
    for name, start in starts.items():
        is_subject = f"old.subject = '{name}'"
        if name.startswith("index/"):
            is_subject = f"starts_with(old.subject, '{name.removeprefix('index/')}/')"
        parts.append(f"({is_subject} and old.session_date >= '{start.isoformat()}')")
    return " or ".join(parts)


def _derive_from(connection: adbc.Connection, groups: list[str], start: date) -> pl.DataFrame:
    """Return the rows of funds and indexes from a session on."""
    since = date.min if start < date.min + LOOKBACK else start - LOOKBACK
    returns = _read_returns(connection, groups, since)
    yields = _read_yields(connection, since)
    if since > date.min and _is_short(returns, yields, start, since):
        since = date.min
        returns, yields = _read_returns(connection, groups, since), _read_yields(connection, since)
    frames = [
        derive_sensitivity(rows, yields, start).select(
            pl.lit(subject).alias("subject"),
            pl.lit("index_sector" if "/" in subject else "fund").alias("kind"),
            pl.all(),
        )
        for subject, rows in sorted(returns.items())
    ]
    empty = pl.DataFrame(schema=polars_schema(CONTRACT))
    return pl.concat([empty, *(frame.select(empty.columns) for frame in frames)])


def _is_short(
    returns: Mapping[str, pl.DataFrame],
    yields: Mapping[str, Sequence[YieldVersion]],
    start: date,
    since: date,
) -> bool:
    """Return whether earlier sessions than were read may belong to a window."""
    sessions = [rows["session_date"] for rows in returns.values()]
    reaches_back = [days for days in sessions if len(days) and days[0] < since + timedelta(days=14)]
    observed = [version.values for versions in yields.values() for version in versions]
    return any(
        sum(day < start for day in days if day in values) < max(WINDOWS) + 10
        for days in reaches_back
        for values in observed
        if values and min(values) < since + timedelta(days=14)
    )


def _read_returns(
    connection: adbc.Connection, groups: Sequence[str], since: date
) -> dict[str, pl.DataFrame]:
    """Return the growth of each subject by session, with `is_backcast`."""
    funds = [name for name in groups if not name.startswith("index/")]
    found = {
        ticker: rows.with_columns(pl.lit(None, dtype=pl.Boolean).alias("is_backcast"))
        for ticker, rows in (read_growth(connection, funds, since) if funds else {}).items()
    }
    codes = ", ".join(
        f"'{name.removeprefix('index/')}'" for name in groups if name.startswith("index/")
    )
    if codes:
        sectors = arrow.read(
            connection,
            f"""
            select
                index_code || '/' || sector as subject, session_date,
                coalesce(1 + cap_weight_return, 'NaN') as growth, is_backcast
            from derived.sector_breadth
            where index_code in ({codes}) and session_date >= '{since.isoformat()}'
            order by subject, session_date
            """,
        )
        for key, rows in sectors.group_by("subject", maintain_order=True):
            found[str(key[0])] = rows.drop("subject")
    return found


def _read_yields(connection: adbc.Connection, since: date) -> dict[str, list[YieldVersion]]:
    vintages = read_vintages(
        connection, read_sessions(connection, since), dict.fromkeys(SERIES.values(), since)
    )
    return {name: list(yield_versions(vintages[series])) for name, series in SERIES.items()}


def derive_sensitivity(
    returns: pl.DataFrame, yields: Mapping[str, Sequence[YieldVersion]], start: date
) -> pl.DataFrame:
    """Return the betas of one subject.

    Args:
        returns: `session_date`, `growth` since the previous session (NaN: unknown) and
            `is_backcast`, in order; before `start` as many sessions as the windows need.
        yields: The versions of `dgs2` and `dgs10`.
        start: The first session to derive.

    Returns:
        One row per session from `start` on: the columns of `derived.rate_sensitivity` but for
        `subject` and `kind`.
    """
    all_days = returns["session_date"].to_list()
    growth = returns["growth"].to_numpy()
    backcast = dict(returns.select("session_date", "is_backcast").iter_rows())
    days = [day for day in all_days if day >= start]
    window_end: list[date | None] = [None] * len(days)
    is_backcast: list[bool | None] = [None] * len(days)
    columns: dict[str, np.ndarray] = {}
    for name, versions in yields.items():
        for n in WINDOWS:
            columns[f"beta_{name}_{n}_pct"] = np.full(len(days), np.nan)
            columns[f"se_{name}_{n}_pct"] = np.full(len(days), np.nan)
            columns[f"n_{name}_{n}"] = np.zeros(len(days), dtype=np.int32)
        for version in versions:
            places = [
                place
                for place, day in enumerate(days)
                if version.known_from <= day < version.known_until
            ]
            if not places:
                continue
            pairs = pair_returns(all_days, growth, version)
            counts = count_known(pairs, [days[place] for place in places])
            for n in WINDOWS:
                slope, error = regress_windows(pairs.returns_pct, pairs.changes, counts, n)
                columns[f"beta_{name}_{n}_pct"][places] = slope
                columns[f"se_{name}_{n}_pct"][places] = error
                columns[f"n_{name}_{n}"][places] = np.minimum(counts, n)
            _mark_windows(pairs, counts, places, backcast, window_end, is_backcast)
    return pl.DataFrame(
        {
            "session_date": days,
            "window_end": window_end,
            "is_backcast": is_backcast,
            **{name: pl.Series(values, nan_to_null=True) for name, values in columns.items()},
        },
        schema_overrides={
            "session_date": pl.Date,
            "window_end": pl.Date,
            "is_backcast": pl.Boolean,
        },
    )


def _mark_windows(
    pairs: ReturnPairs,
    counts: NDArray[np.int64],
    places: Sequence[int],
    backcast: Mapping[date, bool | None],
    window_end: list[date | None],
    is_backcast: list[bool | None],
) -> None:
    """Set the newest session of each row's windows, and whether the oldest one is backcast."""
    for place, count in zip(places, counts, strict=True):
        if count == 0:
            continue
        end = pairs.ends[count - 1]
        if (before := window_end[place]) is None or end > before:
            window_end[place] = end
        oldest = backcast[pairs.ends[max(0, count - max(WINDOWS))]]
        if oldest is not None:
            is_backcast[place] = oldest or bool(is_backcast[place])


TABLE = DerivedTable(
    CONTRACT,
    INPUTS,
    _derive,
    reference_files=("sector_fund", "macro_series"),
)
