"""seasonality: excess return of each pair in each month and around the turn of the year."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum, sqrt
from typing import Any

import polars as pl
from adbc_driver_postgresql import dbapi as adbc

from expectations.tables.seasonality import CONTRACT, MONTHS, TURN_OF_YEAR
from tasks.derive.incremental.changes import ChangeSet, polars_schema
from tasks.derive.incremental.derived_table import DerivedRows, DerivedTable
from tasks.derive.rotation.closes import CLOSES, INPUTS
from tasks.derive.rotation.pairs import changed_pairs, read_pairs, replaced_rows
from warehouse.connect import arrow

# the close before a window, and the last one in it, may be this far from its ends
MAX_GAP = timedelta(days=10)


@dataclass(frozen=True)
class SeasonWindow:
    """One occurrence of a season.

    Attributes:
        season: A month's name, or turn_of_year.
        year: Its year; of the turn of the year, that of its January.
        start: First calendar day.
        end: Last calendar day.
    """

    season: str
    year: int
    start: date
    end: date


def season_windows(first: date, last: date) -> Iterator[SeasonWindow]:
    """Yield the occurrences of all seasons that end between two days, in order of their ends."""
    for year in range(first.year, last.year + 1):
        for number, season in enumerate(MONTHS, start=1):
            following = date(year + number // 12, number % 12 + 1, 1)
            end = following - timedelta(days=1)
            if first <= end <= last:
                yield SeasonWindow(season, year, date(year, number, 1), end)
                if number == 1:
                    yield SeasonWindow(TURN_OF_YEAR, year, date(year - 1, 12, 15), end)


def _derive(connection: adbc.Connection, changes: ChangeSet) -> DerivedRows | None:
    """Derive the changed pairs' seasons that ended on or after the first changed session.

    Returns:
        The rows to publish; None where no season of a changed pair has ended since.
    """
    starts = changed_pairs(changes)
    if not starts:
        return None
    ended = _read_pairs_with_ended_month(connection, min(starts.values()))
    starts = {pair: start for pair, start in starts.items() if pair in ended}
    if not starts:
        return None
    sessions = arrow.read(
        connection, "select session_date from core.session order by session_date"
    )["session_date"].to_list()
    legs = read_pairs()
    rows = [
        {"pair": pair, **row}
        for pair, start in starts.items()
        for row in derive_seasons(_read_closes(connection, *legs[pair]), sessions)
        if row["known_from"] >= start
    ]
    frame = pl.DataFrame(rows, schema=polars_schema(CONTRACT))
    return DerivedRows(frame, replaced_rows(starts, "known_from"))


def _read_pairs_with_ended_month(connection: adbc.Connection, start: date) -> set[str]:
    """Return the pairs for which a month has ended since a day, or that have rows since."""
    pairs = arrow.read(
        connection,
        """
        with month as (
            select max(session_date) as ended_on from core.session
            group by date_trunc('month', session_date)
        ),
        traded as (
            select
                pair, max(session_date) as newest,
                max(session_date) filter (where session_date < $1) as before
            from derived.rotation_metrics group by pair
        )
        select pair from traded
        where exists (
            select from month
            where ended_on <= newest and ended_on > coalesce(before, date '-infinity')
        )
        union
        select pair from derived.seasonality where known_from >= $1
        """,
        (start,),
    )
    return set(pairs["pair"])


def _read_closes(connection: adbc.Connection, small: str, large: str) -> pl.DataFrame:
    return arrow.read(
        connection,
        f"""
        select
            session_date, small.close_split_adjusted as small, large.close_split_adjusted as large
        from ({CLOSES.format(ticker="$1")}) as small
        join ({CLOSES.format(ticker="$2")}) as large using (session_date)
        order by session_date
        """,
        (small, large),
    )


def derive_seasons(closes: pl.DataFrame, sessions: Sequence[date]) -> list[dict[str, Any]]:
    """Return the seasons of one pair, each with the statistics of its occurrences so far.

    Args:
        closes: `session_date` and the split-adjusted closes `small` and `large`, of the sessions
            that both have, in order.
        sessions: Of the exchange, in order.

    Returns:
        One row per season and year that is over: the columns of `derived.seasonality` without the
        pair. A season without closes at its ends has no row.
    """
    days, small, large = (closes[name].to_list() for name in closes.columns)
    if not days:
        return []
    rows, returns = [], dict[str, list[float]]()
    # a month may end on a weekend, after its last session
    for window in season_windows(days[0], days[-1] + MAX_GAP):
        last_open = sessions[bisect_left(sessions, window.end + timedelta(days=1)) - 1]
        base = bisect_left(days, window.start) - 1
        last = bisect_left(days, last_open + timedelta(days=1)) - 1
        known = bisect_left(days, last_open)
        is_priced = base >= 0 and days[base] >= window.start - MAX_GAP
        if not is_priced or known == len(days) or days[last] < window.end - MAX_GAP:
            continue
        excess = small[last] / small[base] - large[last] / large[base]
        seen = returns.setdefault(window.season, [])
        seen.append(excess)
        rows.append(
            {
                "season": window.season,
                "year": window.year,
                "base_session": days[base],
                "last_session": days[last],
                "known_from": days[known],
                "excess_return": excess,
                **summarize(seen),
            }
        )
    return rows


def summarize(returns: Sequence[float]) -> dict[str, Any]:
    """Return number, mean, deviation, t-statistic and share above 0 of excess returns."""
    n = len(returns)
    mean = fsum(returns) / n
    deviation = sqrt(fsum((each - mean) ** 2 for each in returns) / (n - 1)) if n > 1 else None
    return {
        "years": n,
        "mean_excess_return": mean,
        "sd_excess_return": deviation,
        "t_statistic": mean / (deviation / sqrt(n)) if deviation else None,
        "hit_rate": sum(each > 0 for each in returns) / n,
    }


TABLE = DerivedTable(CONTRACT, INPUTS, _derive, reference_files=("pair",))
