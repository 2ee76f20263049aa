"""macro_regime: inflation, policy, curve, credit, dollar and jobs, as known at each session."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.macro_regime import CONTRACT
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.macro.figures import (
    DAILY_AGE_DAYS,
    MONTHLY_AGE_DAYS,
    PolicyCycle,
    dollar_change,
    inflation,
    mean_claims,
    output,
)
from tasks.derive.macro.vintages import KnownSeries, Vintage, read_sessions, read_vintages
from warehouse.connect import arrow

# days of observations before the first session to derive: 64 of the dollar index, and 13 months
# before the oldest month that counts
DAILY_LOOKBACK, LOOKBACK = timedelta(days=200), timedelta(days=900)
DAILY = ("DFF", "EFFR", "T10Y2Y", "T10Y3M", "BAMLH0A0HYM2", "DTWEXBGS")
SLOWER = (
    *("CPIAUCNS", "CPILFENS", "CPIAUCSL"),
    *("UNRATE", "ICSA", "A191RL1Q225SBEA", "GDPC1"),
)
# a cycle may be decades old
TARGET = "DFEDTARU"
SERIES = (*DAILY, *SLOWER, TARGET)
LISTED = ", ".join(f"'{name}'" for name in SERIES)
INPUTS = {
    "macro_observation": f"""
        select 'all' as subject, from_date as first_date from change where item in ({LISTED})
    """
}


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows | None:
    """Derive the regime from the first session that a changed vintage reaches."""
    start = min(changes.dirty_from.values())
    days = _read_days_with_vintages(connection)
    if days is None:
        return None
    first, last = max(start, days[0]), days[1]
    # what was known before the first session counts from it
    sessions = read_sessions(connection, first)
    observed_from = (
        dict.fromkeys(DAILY, first - DAILY_LOOKBACK)
        | dict.fromkeys(SLOWER, first - LOOKBACK)
        | {TARGET: date(1, 1, 1)}
    )
    vintages = read_vintages(connection, sessions, observed_from)
    days_to_derive = sessions.filter(pl.col("session_date") <= last)
    before = arrow.read(
        connection,
        """
        select curve_sessions_since_inversion from derived.macro_regime
        where session_date < $1 order by session_date desc limit 1
        """,
        (first,),
    )
    rows = derive_regime(
        days_to_derive["session_date"].to_list(), vintages, before.item() if before.height else None
    )
    return DerivedRows(rows, f"old.session_date >= '{start.isoformat()}'")


def _read_days_with_vintages(connection: adbc.Connection) -> tuple[date, date] | None:
    """Return the first and the newest day with a vintage of the series; None without any."""
    first, last = arrow.read(
        connection,
        f"""
        select min(vintage_date), max(vintage_date) from core.macro_observation
        where series_id in ({LISTED})
        """,
    ).row(0)
    return None if first is None else (first, last)


def derive_regime(
    sessions: Sequence[date],
    vintages: Mapping[str, Sequence[Vintage]],
    sessions_since_inversion: int | None,
) -> pl.DataFrame:
    """Return the macro regime of sessions.

    Args:
        sessions: The sessions to derive, in order and without a gap.
        vintages: Each series' vintages in the order in which they became known.
        sessions_since_inversion: `curve_sessions_since_inversion` of the session before.

    Returns:
        One row per session: the columns of `derived.macro_regime`.
    """
    series = {name: KnownSeries(vintages.get(name, ())) for name in SERIES}
    cycle, rows = PolicyCycle(), []
    for session in sessions:
        for each in series.values():
            each.advance(session)
        cycle = cycle.follow(series[TARGET])
        row = _row(series, cycle, session)
        if (spread := row["t10y2y_pct"]) is not None and spread < 0:
            sessions_since_inversion = 0
        elif sessions_since_inversion is not None:
            sessions_since_inversion += 1
        rows.append(row | {"curve_sessions_since_inversion": sessions_since_inversion})
    return pl.DataFrame(rows, schema=polars_schema(CONTRACT))


def _row(series: Mapping[str, KnownSeries], cycle: PolicyCycle, session: date) -> dict[str, Any]:
    def daily(name: str) -> float | None:
        return series[name].newest_value(session, DAILY_AGE_DAYS)

    row = {
        "session_date": session,
        **inflation(series["CPIAUCNS"], series["CPILFENS"], series["CPIAUCSL"], session),
        "t10y2y_pct": daily("T10Y2Y"),
        "t10y3m_pct": daily("T10Y3M"),
        "hy_oas_pct": daily("BAMLH0A0HYM2"),
        "dollar_change_63": dollar_change(series["DTWEXBGS"], session),
        "unemployment_reference_month": series["UNRATE"].newest(session, MONTHLY_AGE_DAYS),
        "unemployment_pct": series["UNRATE"].newest_value(session, MONTHLY_AGE_DAYS),
        "claims_4wk_avg": mean_claims(series["ICSA"], session),
        **output(series["A191RL1Q225SBEA"], series["GDPC1"], session),
    }
    if daily(TARGET) is not None:
        row |= cycle.row(session)
    funds = daily("DFF")
    if funds is None:
        funds = daily("EFFR")
    core = row["core_cpi_yoy_pct"]
    row["fed_funds_pct"] = funds
    row["real_fed_funds_pct"] = None if funds is None or core is None else funds - core
    return row


TABLE = DerivedTable(CONTRACT, INPUTS, _derive, reference_files=("macro_series",))
