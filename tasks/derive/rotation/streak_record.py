"""streak_record: long runs of outperformance of each pair, ranked among all runs before."""

from datetime import date
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.streak_record import CONTRACT, MIN_SESSIONS
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.rotation.closes import INPUTS
from tasks.derive.rotation.pairs import changed_pairs, replaced_rows
from warehouse.connect import arrow


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows | None:
    """Derive the runs of changed pairs from the first session that a change reaches.

    Returns:
        The rows to publish; None where no changed session is in a long run, then or now.
    """
    starts = changed_pairs(changes)
    if not starts:
        return None
    in_long_run = arrow.read(
        connection,
        f"""
        select pair, max(session_date) as newest from (
            select pair, session_date from derived.rotation_metrics
            where outperformance_streak >= {MIN_SESSIONS} and session_date >= $1
            union all
            select pair, session_date from derived.streak_record where session_date >= $1
        ) as long_run
        group by pair
        """,
        (min(starts.values()),),
    )
    newest = dict(in_long_run.iter_rows())
    starts = {pair: day for pair, day in starts.items() if newest.get(pair, date.min) >= day}
    if not starts:
        return None
    rows = [
        {"pair": pair, **row}
        for pair, start in starts.items()
        for row in derive_streaks(_read_streaks(connection, pair))
        if row["session_date"] >= start
    ]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, replaced_rows(starts, "session_date"))


def _read_streaks(connection: adbc.Connection, pair: str) -> pl.DataFrame:
    return arrow.read(
        connection,
        """
        select session_date, outperformance_streak, ratio from derived.rotation_metrics
        where pair = $1 order by session_date
        """,
        (pair,),
    )


def derive_streaks(sessions: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the sessions on which a run is long, with the run's rank among earlier ones.

    Args:
        sessions: One pair, from its first session on: `session_date`, `outperformance_streak` and
            `ratio`.

    Returns:
        One row per session in a run of at least MIN_SESSIONS: the columns of
        `derived.streak_record` without the pair.
    """
    days, streaks, ratios = (sessions[name].to_list() for name in sessions.columns)
    ended: list[tuple[int, date]] = []
    rows = []
    for place, (day, streak) in enumerate(zip(days, streaks, strict=True)):
        if streak >= MIN_SESSIONS:
            first = place - streak + 1
            longest = max(ended, default=None)
            as_long = [last for length, last in ended if length >= streak]
            rows.append(
                {
                    "session_date": day,
                    "first_session": days[first],
                    "sessions": streak,
                    "relative_return": ratios[place] / ratios[first - 1] - 1,
                    "rank": 1 + sum(length > streak for length, _ in ended),
                    "as_long_before": as_long[-1] if as_long else None,
                    "longest_before": None if longest is None else longest[0],
                    "longest_before_ended": None if longest is None else longest[1],
                    "data_from": days[0],
                }
            )
        if streak and (place + 1 == len(days) or streaks[place + 1] == 0):
            ended.append((streak, day))
    return rows


TABLE = DerivedTable(CONTRACT, INPUTS, _derive, reference_files=("pair",))
