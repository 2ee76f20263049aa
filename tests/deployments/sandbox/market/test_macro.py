"""Macro series: vintages, lags, holes, revisions, and figures that agree with each other."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest


@pytest.fixture(scope="module")
def observations(tape) -> pl.DataFrame:
    return tape.parquet("observations")


def _latest(observations: pl.DataFrame, series_id: str) -> pl.DataFrame:
    is_open = pl.col("realtime_end") == date(9999, 12, 31)
    return observations.filter((pl.col("series_id") == series_id) & is_open)


def _values(observations: pl.DataFrame, series_id: str) -> dict[date, float | None]:
    return dict(_latest(observations, series_id).select("observation_date", "value").iter_rows())


def test_every_series_of_the_catalogue_has_observations(tape, observations):
    assert set(tape.csv("series")["series_id"]) == set(observations["series_id"])
    assert tape.csv("series")["series_id"].is_unique().all()


def test_intervals_are_maximal_and_do_not_overlap(observations):
    key = ["series_id", "observation_date"]
    ordered = observations.sort([*key, "realtime_start"])
    following = ordered.with_columns(
        start=pl.col("realtime_start").shift(-1).over(key),
        then=pl.col("value").shift(-1).over(key),
    )
    revised = following.filter(pl.col("start").is_not_null())
    assert len(revised) > 500
    assert (revised["realtime_end"] + timedelta(days=1) == revised["start"]).all()
    assert revised.filter(pl.col("value").eq_missing(pl.col("then"))).is_empty()
    last = following.filter(pl.col("start").is_null())
    assert (last["realtime_end"] == date(9999, 12, 31)).all()


def test_nothing_is_known_before_its_day_nor_after_the_clock(tape, observations):
    assert (observations["realtime_start"] >= observations["observation_date"]).all()
    assert observations["realtime_start"].max() <= tape.bars["session_date"].max()


def test_release_dates_are_the_days_of_new_values(tape, observations):
    releases = tape.csv("release_dates")
    releases = releases.join(tape.csv("series").select("release_id", "series_id"), on="release_id")
    starts = observations.select("series_id", date="realtime_start").unique()
    assert starts.join(releases, on=["series_id", "date"], how="anti").is_empty()


@pytest.mark.parametrize(
    ("series_id", "shortest", "longest"),
    [
        ("CPIAUCSL", 37, 55),
        ("UNRATE", 30, 43),
        ("ICSA", 4, 6),
        ("DGS10", 1, 5),
        ("DFF", 1, 5),
        ("DTWEXBGS", 3, 8),
        ("FEDFUNDS", 28, 36),
    ],
)
def test_first_releases_come_with_the_usual_lag(observations, series_id, shortest, longest):
    first = (
        observations.filter(
            (pl.col("series_id") == series_id) & (pl.col("observation_date") < date(2025, 9, 1))
        )
        .group_by("observation_date")
        .agg(pl.col("realtime_start").min())
    )
    lag = (first["realtime_start"] - first["observation_date"]).dt.total_days()
    assert shortest <= lag.min() <= lag.max() <= longest


@pytest.mark.parametrize(
    ("series_id", "announced"),
    [
        ("CPIAUCSL", date(2025, 12, 18)),
        ("CPIAUCNS", date(2025, 12, 18)),
        ("CPILFESL", date(2025, 12, 18)),
        ("UNRATE", date(2025, 12, 16)),
    ],
)
def test_october_2025_was_never_published(observations, series_id, announced):
    hole = observations.filter(
        (pl.col("series_id") == series_id) & (pl.col("observation_date") == date(2025, 10, 1))
    )
    assert hole.select("value", "realtime_start").rows() == [(None, announced)]


def test_seasonally_adjusted_prices_are_revised_each_february(observations):
    revisions = observations.filter(
        (pl.col("series_id") == "CPIAUCSL")
        & (pl.col("realtime_start").dt.year() == 2025)
        & (pl.col("observation_date") < date(2024, 12, 1))
    )
    assert set(revisions["realtime_start"].dt.month()) == {2}
    assert set(revisions["observation_date"].dt.year()) == set(range(2020, 2025))
    raw = observations.filter(pl.col("series_id") == "CPIAUCNS")
    assert raw["observation_date"].is_unique().all()


def test_unemployment_is_revised_each_january(observations):
    first = pl.col("realtime_start").min().over("observation_date")
    later = observations.filter(pl.col("series_id") == "UNRATE").filter(
        pl.col("realtime_start") > first
    )
    assert len(later) > 20
    assert set(later["realtime_start"].dt.month()) == {1}


def test_claims_are_revised_the_week_after(observations):
    claims = observations.filter(pl.col("series_id") == "ICSA").sort(
        "observation_date", "realtime_start"
    )
    again = claims.filter(pl.col("observation_date").is_duplicated())
    gap = again.group_by("observation_date").agg(pl.col("realtime_start").sort().diff().last())
    assert gap["realtime_start"].dt.total_days().is_between(6, 8).all()


def test_output_has_three_releases(observations):
    quarter = observations.filter(
        (pl.col("series_id") == "A191RL1Q225SBEA")
        & (pl.col("observation_date").dt.year().is_between(2015, 2024))
    )
    counts = quarter.group_by("observation_date").len()["len"]
    assert counts.max() == 3
    # A release that repeats the value before it leaves no interval of its own.
    assert (counts == 3).mean() > 0.5


def test_market_holidays_are_missing_in_treasury_yields(observations):
    tens, vix = _values(observations, "DGS10"), _values(observations, "VIXCLS")
    for holiday in (date(2025, 12, 25), date(2025, 7, 4), date(2025, 4, 18)):
        assert holiday in tens
        assert tens[holiday] is None
    # Bonds rested on Columbus Day and traded on the day the exchange closed in January 2025.
    assert tens[date(2025, 10, 13)] is None
    assert vix[date(2025, 10, 13)] is not None
    assert tens[date(2025, 1, 9)] is not None
    assert vix[date(2025, 1, 9)] is None


def test_the_funds_rate_stays_inside_its_target(observations):
    upper, lower = _values(observations, "DFEDTARU"), _values(observations, "DFEDTARL")
    for day, rate in _values(observations, "DFF").items():
        assert lower[day] <= rate <= upper[day]
    assert upper[date(2024, 9, 18)] == 5.5
    assert upper[date(2024, 9, 19)] == 5.0
    assert upper[date(2025, 12, 11)] == 3.75


def test_spreads_are_differences_of_the_published_yields(observations):
    two, ten, three = (_values(observations, each) for each in ("DGS2", "DGS10", "DGS3MO"))
    for name, short in (("T10Y2Y", two), ("T10Y3M", three)):
        for day, spread in _values(observations, name).items():
            if spread is not None:
                assert spread == pytest.approx(ten[day] - short[day], abs=1e-9)


def test_history_reaches_fifteen_years_back(observations):
    assert observations["observation_date"].min() <= date(2011, 2, 28)


def test_output_grows_by_its_published_rate(observations):
    growth, level = (_values(observations, each) for each in ("A191RL1Q225SBEA", "GDPC1"))
    assert growth.keys() == level.keys()
    quarters = sorted(level)
    for before, quarter in pairwise(quarters[:-2]):
        rate = 100 * ((level[quarter] / level[before]) ** 4 - 1)
        assert rate == pytest.approx(growth[quarter], abs=0.06)
