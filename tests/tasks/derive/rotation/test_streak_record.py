"""Runs of outperformance against the record of the Russell 2000, and counted once more."""

from datetime import date, timedelta
from itertools import groupby

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.derive.rotation.streak_record import derive_streaks

LONG = 5


def sessions(is_ahead, ratios=None):
    """The frame that derive_streaks takes, from whether SMALL was ahead of the session before."""
    streaks, streak = [0], 0
    for ahead in is_ahead:
        streak = streak + 1 if ahead else 0
        streaks.append(streak)
    return pl.DataFrame(
        {
            "session_date": [date(2020, 1, 1) + timedelta(days=n) for n in range(len(streaks))],
            "outperformance_streak": streaks,
            "ratio": [1.0 + n / 100 for n in range(len(streaks))] if ratios is None else ratios,
        }
    )


def runs_of(is_ahead):
    """First and last place of each run, by groups of equal flags."""
    place, found = 1, []
    for ahead, group in groupby(is_ahead):
        length = len(list(group))
        if ahead:
            found.append((place, place + length - 1))
        place += length
    return found


@given(st.lists(st.sampled_from([True, True, True, False]), max_size=120))
def test_each_long_run_is_ranked_among_those_before(is_ahead):
    frame = sessions(is_ahead)
    rows, days = derive_streaks(frame), frame["session_date"].to_list()
    runs = runs_of(is_ahead)
    expected = []
    for first, last in runs:
        earlier = [(b - a + 1, days[b]) for a, b in runs if b < first]
        for place in range(first + LONG - 1, last + 1):
            length = place - first + 1
            as_long = [day for n, day in earlier if n >= length]
            expected.append(
                (
                    *(days[place], days[first], length),
                    sum(n > length for n, _ in earlier) + 1,
                    max(as_long, default=None),
                    max((n for n, _ in earlier), default=None),
                )
            )
    names = ("session_date", "first_session", "sessions", "rank", "as_long_before")
    assert [tuple(row[n] for n in (*names, "longest_before")) for row in rows] == expected


@given(st.lists(st.booleans(), min_size=40, max_size=60), st.integers(5, 39))
def test_later_sessions_change_no_row(is_ahead, length):
    frame = sessions(is_ahead)
    last = frame["session_date"][length]
    assert derive_streaks(frame.head(length + 1)) == [
        row for row in derive_streaks(frame) if row["session_date"] <= last
    ]


@pytest.fixture(scope="module")
def closes(tapes):
    bars = pl.read_parquet(tapes / "real-etf" / "bars.parquet").to_pandas()
    return bars.pivot(index="session_date", columns="ticker", values="close")


def test_record_of_the_russell_is_of_2008(closes):
    pair = closes[["IWM", "SPY"]].dropna()
    ratio = pair["IWM"] / pair["SPY"]
    is_ahead = (pair["IWM"].pct_change() > pair["SPY"].pct_change()).to_numpy()[1:]
    streaks = sessions(is_ahead, ratio.to_list()).with_columns(
        pl.Series("session_date", [pd.Timestamp(day).date() for day in pair.index])
    )
    rows = pd.DataFrame(derive_streaks(streaks)).set_index("session_date")
    assert rows["sessions"].max() == 13
    record = rows[rows["sessions"] == 13]
    assert list(record.index) == [date(2008, 6, 6)]
    assert record["rank"].to_list() == [1]
    assert record["as_long_before"].isna().all()
    place = streaks["session_date"].to_list().index(date(2008, 6, 6))
    assert record["relative_return"].iloc[0] == pytest.approx(
        ratio.iloc[place] / ratio.iloc[place - 13] - 1
    )
    later = rows.loc[[day for day in rows.index if day > date(2008, 6, 6)]]
    assert later["longest_before"].to_list() == [13] * len(later)
    assert (later["rank"] > 1).all()
    assert later["sessions"].max() < 13
