"""Betas to yields against scipy-free least squares on real prices, and on made-up corrections."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tasks.derive.macro.rate_sensitivity import derive_sensitivity
from tasks.derive.macro.sensitivity import yield_versions
from tasks.derive.macro.vintages import Vintage, add_known_session
from tests.tasks.derive.macro.test_macro_regime import all_sessions
from warehouse.reference import read_reference

SERIES = {"dgs2": "DGS2", "dgs10": "DGS10"}


def versions_of(observations, sessions):
    """The yields of a tape as derive_sensitivity takes them."""
    frame = observations.filter(pl.col("series_id").is_in([*SERIES.values()])).select(
        "series_id",
        "observation_date",
        pl.col("realtime_start").alias("vintage_date"),
        "value",
        pl.lit(None, dtype=pl.String).alias("missing_reason"),
    )
    dated = add_known_session(frame, sessions).sort("known_session", "observation_date")
    return {
        name: list(
            yield_versions(
                [
                    Vintage(*row)
                    for row in dated.filter(pl.col("series_id") == series)
                    .select(*Vintage._fields)
                    .iter_rows()
                ]
            )
        )
        for name, series in SERIES.items()
    }


@pytest.fixture(scope="module")
def observations(tapes):
    return pl.read_parquet(tapes / "real-etf" / "observations.parquet")


@pytest.fixture(scope="module")
def closes(tapes):
    bars = pl.read_parquet(tapes / "real-etf" / "bars.parquet")
    return bars.filter(pl.col("ticker") == "XLF").sort("session_date")


def growth_of(closes):
    return closes.select(
        "session_date",
        (pl.col("close") / pl.col("close").shift(1)).alias("growth"),
        pl.lit(None, dtype=pl.Boolean).alias("is_backcast"),
    ).slice(1)


def expected(closes, observations, series, day, n):
    """Slope and error of the last n returns whose yields were out before a session."""
    known = observations.filter(
        (pl.col("series_id") == series) & (pl.col("realtime_start") < day)
    ).to_pandas()
    yields = known.set_index("observation_date")["value"].dropna()
    prices = closes.to_pandas().set_index("session_date")["close"]
    both = pd.concat([prices, yields], axis=1, join="inner").sort_index()
    y = 100 * both["close"].pct_change()
    x = both["value"].diff()
    y, x = y.iloc[-n:].to_numpy(), x.iloc[-n:].to_numpy()
    design = np.column_stack([np.ones(n), x])
    solution, squares, *_ = np.linalg.lstsq(design, y, rcond=None)
    covariance = squares[0] / (n - 2) * np.linalg.inv(design.T @ design)
    return solution[1], np.sqrt(covariance[1, 1]), pd.Timestamp(both.index[-1]).date()


@pytest.fixture(scope="module")
def sensitivity(closes, observations):
    yields = versions_of(observations, all_sessions())
    return derive_sensitivity(growth_of(closes), yields, date.min)


@pytest.mark.parametrize("day", ["2003-07-01", "2013-06-28", "2022-11-14", "2025-12-31"])
@pytest.mark.parametrize("n", [63, 252])
@pytest.mark.parametrize("name", [*SERIES])
def test_slopes_are_those_of_least_squares(sensitivity, closes, observations, day, n, name):
    session = date.fromisoformat(day)
    row = sensitivity.row(by_predicate=pl.col("session_date") == session, named=True)
    slope, error, end = expected(closes, observations, SERIES[name], session, n)
    assert row[f"beta_{name}_{n}_pct"] == pytest.approx(slope, rel=1e-9)
    assert row[f"se_{name}_{n}_pct"] == pytest.approx(error, rel=1e-9)
    assert (row[f"n_{name}_{n}"], row["window_end"]) == (n, end)


def test_window_ends_before_yields_that_are_not_out(sensitivity):
    """A yield of Monday is out on Tuesday after the close, so Wednesday is the first to use it."""
    row = sensitivity.row(by_predicate=pl.col("session_date") == date(2025, 12, 17), named=True)
    assert row["window_end"] == date(2025, 12, 15)


@pytest.mark.parametrize("start", [date(2004, 3, 1), date(2020, 3, 16), date(2025, 12, 30)])
def test_row_has_the_same_bits_in_any_company(sensitivity, closes, observations, start):
    yields = versions_of(observations, all_sessions())
    part = growth_of(closes).filter(pl.col("session_date") > start - timedelta(days=450))
    rows = derive_sensitivity(part.head(330), yields, start)
    assert rows.height
    whole = sensitivity.filter(pl.col("session_date").is_between(start, rows["session_date"].max()))
    assert rows.equals(whole)


def small_case(vintages):
    """Ninety sessions of a subject that moves by twice the change of the yield."""
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(90)]
    level = {day: 4 + np.sin(n) / 10 for n, day in enumerate(days)}
    changes = [0.0, *(level[b] - level[a] for a, b in pairwise(days))]
    returns = pl.DataFrame(
        {
            "session_date": days,
            "growth": [1 + 2 * change / 100 for change in changes],
            "is_backcast": [n < 20 for n in range(90)],
        }
    )
    known = [Vintage(day + timedelta(days=1), day, level[day], None) for day in days]
    yields = sorted([*known, *vintages(days, level)])
    return derive_sensitivity(
        returns, {"dgs2": list(yield_versions(yields)), "dgs10": []}, date.min
    )


def test_slope_is_percent_per_hundred_basis_points():
    rows = small_case(lambda _days, _level: [])
    assert rows["beta_dgs2_63_pct"].is_not_null().arg_max() == 64
    assert rows["beta_dgs2_63_pct"][-1] == pytest.approx(2.0)
    assert rows["se_dgs2_63_pct"][-1] == pytest.approx(0.0, abs=1e-9)
    assert rows["n_dgs2_252"][-1] == 88
    assert rows["beta_dgs2_252_pct"].null_count() == 90
    # of the 88 pairs the oldest is of the second session
    assert rows["is_backcast"][-1]


def test_correction_counts_from_the_session_it_is_known():
    def correct(days, level):
        return [Vintage(days[80], days[50], level[days[50]] + 3, None)]

    before, after = small_case(lambda _days, _level: []), small_case(correct)
    assert after.head(80).equals(before.head(80))
    assert after["beta_dgs2_63_pct"][80] != pytest.approx(2.0, abs=0.1)


def test_late_yield_joins_its_pairs_when_it_is_known():
    def none(days, level):
        return []

    def late(days, level):
        return [
            Vintage(days[52], days[50], None, None),
            Vintage(days[80], days[50], level[days[50]], None),
        ]

    with_hole, whole = small_case(late), small_case(none)
    assert with_hole["n_dgs2_252"][79] == whole["n_dgs2_252"][79] - 1
    assert with_hole.select(pl.exclude("window_end"))[80:].equals(
        whole.select(pl.exclude("window_end"))[80:]
    )
    # over the hole, change and return span two sessions
    assert with_hole["beta_dgs2_63_pct"][79] == pytest.approx(2.0, abs=1e-2)


def test_sector_funds_are_fetched():
    """A fund of the file without prices would have no rows."""
    funds = read_reference("sector_fund")["ticker"]
    assert {*funds} <= {*read_reference("watch_list")["ticker"]}
    assert funds.is_unique
