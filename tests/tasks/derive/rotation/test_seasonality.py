"""Seasons against pandas on real prices, and at the ends of the data."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from expectations.calendars.trading import session_dates
from tasks.derive.rotation.seasonality import derive_seasons

SESSIONS = session_dates(date(1999, 1, 4), date(2026, 2, 27))


def frame_of(prices):
    """The frame that derive_seasons takes, of a pandas frame of two closes."""
    return pl.DataFrame(
        {
            "session_date": [pd.Timestamp(day).date() for day in prices.index],
            "small": prices.iloc[:, 0].to_list(),
            "large": prices.iloc[:, 1].to_list(),
        }
    )


@pytest.fixture(scope="module")
def prices(tapes):
    bars = pl.read_parquet(tapes / "real-etf" / "bars.parquet").to_pandas()
    closes = bars.pivot(index="session_date", columns="ticker", values="close")
    closes.index = pd.to_datetime(closes.index)
    return closes


@pytest.mark.parametrize(("small", "large"), [("IWM", "SPY"), ("IWM", "QQQ")])
def test_months_are_those_of_monthly_closes(prices, small, large):
    pair = prices[[small, large]].dropna()
    grown = pair.resample("ME").last().pct_change()
    excess = (grown[small] - grown[large]).dropna()
    rows = pd.DataFrame(derive_seasons(frame_of(pair), SESSIONS))
    months = rows[rows["season"] != "turn_of_year"]
    assert months["excess_return"].to_numpy() == pytest.approx(excess.to_numpy(), abs=1e-12)
    for number, season in ((1, "january"), (9, "september")):
        mine = excess[excess.index.month == number]
        newest = rows[rows["season"] == season].iloc[-1]
        assert newest["years"] == len(mine)
        assert newest["mean_excess_return"] == pytest.approx(mine.mean(), abs=1e-12)
        t = mine.mean() / (mine.std() / np.sqrt(len(mine)))
        assert newest["t_statistic"] == pytest.approx(t)
        assert newest["hit_rate"] == pytest.approx((mine > 0).mean())


def test_turn_of_the_year_runs_from_the_close_before_15_december(prices):
    pair = prices[["IWM", "SPY"]].dropna()
    rows = pd.DataFrame(derive_seasons(frame_of(pair), SESSIONS))
    turns = rows[rows["season"] == "turn_of_year"].set_index("year")
    assert list(turns.index) == list(range(2001, 2026))
    for year in (2001, 2009, 2025):
        base, last = pair[: f"{year - 1}-12-14"].iloc[-1], pair[: f"{year}-01-31"].iloc[-1]
        grown = last / base
        assert turns.loc[year, "excess_return"] == pytest.approx(grown["IWM"] - grown["SPY"])
    # 2008-12-14 was a Sunday
    assert turns.loc[2009, "base_session"] == date(2008, 12, 12)


def steady(days):
    """SMALL gains a tenth of a percent a session on LARGE."""
    growth = np.arange(len(days))
    return pl.DataFrame(
        {
            "session_date": days,
            "small": (100 * 1.001**growth).tolist(),
            "large": [100.0] * len(days),
        }
    )


def test_month_appears_on_its_last_session_and_not_before():
    days = session_dates(date(2024, 1, 2), date(2024, 5, 31))
    for until, seasons in (
        (date(2024, 2, 28), []),
        (date(2024, 2, 29), ["february"]),
        (date(2024, 5, 30), ["february", "march", "april"]),
        (date(2024, 5, 31), ["february", "march", "april", "may"]),
    ):
        rows = derive_seasons(steady([day for day in days if day <= until]), SESSIONS)
        assert [row["season"] for row in rows] == seasons
        assert all(row["known_from"] <= until for row in rows)


def test_hole_at_a_months_end_waits_for_the_next_session():
    days = session_dates(date(2024, 1, 2), date(2024, 6, 3))
    # March ended on the 28th; both have a close again on 2 April
    hole = [day for day in days if not date(2024, 3, 27) <= day <= date(2024, 4, 1)]
    rows = {row["season"]: row for row in derive_seasons(steady(hole), SESSIONS)}
    march = rows["march"]
    assert (march["last_session"], march["known_from"]) == (date(2024, 3, 26), date(2024, 4, 2))
    # a hole of weeks leaves two months without a return
    wide = [day for day in days if not date(2024, 3, 15) <= day <= date(2024, 4, 15)]
    seasons = [row["season"] for row in derive_seasons(steady(wide), SESSIONS)]
    assert seasons == ["february", "may"]


@pytest.mark.parametrize("cut", [200, 251, 252, 400])
def test_later_closes_change_no_row(cut):
    days = session_dates(date(2020, 11, 2), date(2022, 12, 30))
    whole = steady(days)
    known = derive_seasons(whole.head(cut), SESSIONS)
    rows = derive_seasons(whole, SESSIONS)
    assert known == [row for row in rows if row["known_from"] < days[cut]]
    assert known[-1]["last_session"] > days[cut] - timedelta(days=40)
