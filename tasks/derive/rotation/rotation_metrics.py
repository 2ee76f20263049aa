"""rotation_metrics: ratio, excess returns, relative strength and regime of each pair.

Every statistic is computed from its own window alone, never from a running sum, so a row has the
same bits whether it is derived alone, day by day or with the whole history.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from adbc_driver_postgresql import dbapi as adbc
from numpy.typing import NDArray

import warehouse
from expectations.tables.rotation_metrics import CONTRACT
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.rotation.closes import (
    CLOSES,
    INPUTS,
    dividend_growth,
    read_dividend_factors,
)
from tasks.derive.rotation.rolling import (
    Floats,
    gross_return,
    gross_total_return,
    regression,
    windows,
    zscore,
)
from warehouse.connect import arrow

PAIRS = Path(warehouse.__path__[0]) / "reference" / "pair.csv"

HORIZONS = (1, 5, 21, 63, 126, 252)
RS_WINDOW = 14
# sessions before the first derived one that its longest window needs: 252 back, and one more for
# the return into the oldest
LOOKBACK_SESSIONS = 253


@dataclass(frozen=True)
class PairState:
    """State after the session before.

    Attributes:
        streak: `outperformance_streak` of the previous session.
        regime: `regime` of the previous session.
    """

    streak: int = 0
    regime: str = "undetermined"


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows | None:
    """Derive the pairs' metrics from the earliest session whose inputs changed.

    Returns:
        The rows to publish; None where every pair is up to date.
    """
    pairs = [(row["small"], row["large"]) for row in pl.read_csv(PAIRS).to_dicts()]
    stored_pairs = set(
        arrow.read(connection, "select distinct pair from derived.rotation_metrics")["pair"]
    )
    derived, replaced = [], []
    for small, large in pairs:
        pair = f"{small}/{large}"
        dates = [changes.dirty_from.get(leg, date.max) for leg in (small, large)]
        start = min(dates) if pair in stored_pairs else date.min
        if start == date.max:
            continue
        rows = _derive_from(connection, small, large, start)
        if rows.height or pair in stored_pairs:
            derived.append(rows)
            replaced.append(f"old.pair = '{pair}' and old.session_date >= '{start.isoformat()}'")
    for pair in stored_pairs - {f"{small}/{large}" for small, large in pairs}:
        replaced.append(f"old.pair = '{pair}'")
    if not replaced:
        return None
    rows = pl.concat(derived) if derived else pl.DataFrame(schema=polars_schema(CONTRACT))
    return DerivedRows(rows, " or ".join(f"({part})" for part in replaced))


def _derive_from(connection: adbc.Connection, small: str, large: str, start: date) -> pl.DataFrame:
    """Return the rows of one pair from a date on."""
    pair = f"{small}/{large}"
    sessions = arrow.read(
        connection,
        f"""
        with session as (
            select
                small.session_date, small.close_split_adjusted as small,
                large.close_split_adjusted as large
            from ({CLOSES.format(ticker="$1")}) as small
            join ({CLOSES.format(ticker="$2")}) as large using (session_date)
        ),
        lookback as (
            select session_date from session where session_date < $3
            order by session_date desc limit $4
        )
        select * from session
        where session_date >= least((select min(session_date) from lookback), $3)
        order by session_date
        """,
        (small, large, start, LOOKBACK_SESSIONS),
    )
    warmup_rows = sessions.filter(pl.col("session_date") < start).height
    if sessions.height == warmup_rows:
        return pl.DataFrame(schema=polars_schema(CONTRACT))
    before = arrow.read(
        connection,
        """
        select outperformance_streak, regime from derived.rotation_metrics
        where pair = $1 and session_date < $2 order by session_date desc limit 1
        """,
        (pair, start),
    )
    initial_state = PairState(*before.row(0)) if warmup_rows and before.height else PairState()
    for leg, ticker in (("small", small), ("large", large)):
        sessions = sessions.with_columns(
            dividend_growth(
                sessions["session_date"], read_dividend_factors(connection, ticker)
            ).alias(f"{leg}_reinvested")
        )
    derived = derive_pair(sessions, initial_state, warmup_rows)
    return derived.with_columns(pl.lit(pair).alias("pair")).select(CONTRACT.column_names)


def derive_pair(sessions: pl.DataFrame, initial_state: PairState, warmup_rows: int) -> pl.DataFrame:
    """Return the rotation metrics of one pair.

    Args:
        sessions: One row per session on which both legs trade, in order: `session_date`, the
            split-adjusted closes `small` and `large`, and `small_reinvested`,
            `large_reinvested`: growth of a holding by distributions with an ex-date after the
            pair's previous session, 1.0 without any.
        initial_state: The state after session `warmup_rows - 1`.
        warmup_rows: How many leading sessions only fill windows.

    Returns:
        One row per session from `warmup_rows` on: `session_date` and the columns of
        `derived.rotation_metrics`. Null where a window is not full or a divisor is 0.
    """
    small = sessions["small"].to_numpy().astype(np.float64)
    large = sessions["large"].to_numpy().astype(np.float64)
    ratio = small / large
    columns: dict[str, Floats] = {
        "ratio": ratio,
        "ratio_sma_50": windows(ratio, 50).mean(axis=1),
        "ratio_sma_200": windows(ratio, 200).mean(axis=1),
        "ratio_drawdown_252": ratio / windows(ratio, 252).max(axis=1) - 1,
    }
    for n in HORIZONS:
        columns[f"excess_return_{n}"] = gross_return(small, n) - gross_return(large, n)
    for n in HORIZONS:
        columns[f"excess_total_return_{n}"] = gross_total_return(
            small, sessions["small_reinvested"].to_numpy(), n
        ) - gross_total_return(large, sessions["large_reinvested"].to_numpy(), n)
    columns["zscore_252"] = zscore(np.log(ratio), 252)
    columns["rs_ratio"] = 100 + zscore(100 * ratio, RS_WINDOW)
    rate_of_change = 100 * (gross_return(columns["rs_ratio"], 1) - 1)
    columns["rs_momentum"] = 100 + zscore(rate_of_change, RS_WINDOW)
    columns["beta_63"], columns["correlation_63"] = regression(
        gross_return(small, 1) - 1, gross_return(large, 1) - 1, 63
    )
    excess_63, sma_200 = columns["excess_return_63"], columns["ratio_sma_200"]
    derived = sessions.select("session_date").with_columns(
        *(pl.Series(name, values, nan_to_null=True) for name, values in columns.items())
    )
    derived = derived.slice(warmup_rows).with_columns(
        _quadrant(),
        pl.Series(
            "outperformance_streak",
            _streak(
                (gross_return(small, 1) > gross_return(large, 1))[warmup_rows:],
                initial_state.streak,
            ),
            dtype=pl.Int32,
        ),
        pl.Series(
            "regime",
            _regime(
                ratio[warmup_rows:],
                sma_200[warmup_rows:],
                excess_63[warmup_rows:],
                initial_state.regime,
            ),
            dtype=pl.String,
        ),
    )
    return derived


def _quadrant() -> pl.Expr:
    ratio_up, momentum_up = pl.col("rs_ratio") >= 100, pl.col("rs_momentum") >= 100
    return (
        pl.when(ratio_up & momentum_up)
        .then(pl.lit("leading"))
        .when(ratio_up & ~momentum_up)
        .then(pl.lit("weakening"))
        .when(~ratio_up & ~momentum_up)
        .then(pl.lit("lagging"))
        .when(~ratio_up & momentum_up)
        .then(pl.lit("improving"))
        .alias("quadrant")
    )


def _streak(is_ahead: NDArray[np.bool_], before: int) -> list[int]:
    streaks, streak = [], before
    for ahead in is_ahead:
        streak = streak + 1 if ahead else 0
        streaks.append(streak)
    return streaks


def _regime(ratio: Floats, sma_200: Floats, excess_63: Floats, before: str) -> list[str]:
    regimes, regime = [], before
    # a comparison with NaN is false: without full windows the regime stays what it was
    for now, mean, excess in zip(ratio, sma_200, excess_63, strict=True):
        if now > mean and excess > 0:
            regime = "rotation"
        elif now < mean and excess < 0:
            regime = "concentration"
        regimes.append(regime)
    return regimes


TABLE = DerivedTable(CONTRACT, INPUTS, _derive, is_always_derived=True)
