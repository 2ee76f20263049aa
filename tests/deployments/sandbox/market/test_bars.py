"""Bars as traded: coherent, on the tick grid, on sessions, and moved only by what is true."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from deployments.sandbox.providers.yahoo.exchange import xnys_calendar


@pytest.fixture(params=["tape", "longer_tape"])
def any_tape(request):
    return request.getfixturevalue(request.param)


def _stocks(tape) -> pl.Expr:
    others = tape.csv("instruments").filter(pl.col("type") != "EQUITY")["ticker"].to_list()
    return ~pl.col("ticker").is_in(others)


def test_columns_and_key(any_tape):
    bars = any_tape.bars
    assert bars.schema == {
        "ticker": pl.String,
        "session_date": pl.Date,
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Int64,
    }
    assert not bars.select("ticker", "session_date").is_duplicated().any()
    assert bars.null_count().sum_horizontal().item() == 0


def test_highs_and_lows_enclose_opens_and_closes(any_tape):
    body_high = pl.max_horizontal("open", "close")
    body_low = pl.min_horizontal("open", "close")
    wrong = (pl.col("high") < body_high) | (pl.col("low") > body_low) | (pl.col("low") <= 0)
    assert any_tape.bars.filter(wrong).is_empty()


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
def test_prices_are_on_the_tick_grid(any_tape, column):
    price = pl.col(column)
    tick = pl.when(price >= 1).then(price.round(2)).otherwise(price.round(4))
    assert any_tape.bars.filter(tick != price).is_empty()


def test_volumes_are_round_lots_that_merges_invert(any_tape):
    bars = any_tape.bars.filter(_stocks(any_tape))
    assert bars.filter(pl.col("volume") % 100 != 0).is_empty()
    merges = any_tape.csv("actions").filter((pl.col("kind") == "split") & (pl.col("value") < 1))
    folds = merges.group_by("ticker").agg(fold=(1 / pl.col("value")).round().product())
    for ticker, fold in folds.iter_rows():
        volume = bars.filter(pl.col("ticker") == ticker)["volume"]
        assert (volume % int(fold) == 0).all()


def test_indexes_have_no_volume(any_tape):
    indexes = any_tape.bars.filter(pl.col("ticker").str.starts_with("^"))
    assert set(indexes["ticker"]) == {"^RUT", "^GSPC", "^VIX"}
    assert indexes["volume"].sum() == 0


def test_every_bar_is_on_a_session(longer_tape):
    days = longer_tape.bars["session_date"].unique().sort()
    calendar = xnys_calendar(date(2020, 1, 1), date(2026, 12, 31))
    sessions = calendar.sessions_in_range(str(days[0]), str(days[-1]))
    assert days.to_list() == [session.date() for session in sessions]
    assert date(2025, 1, 9) not in days.to_list()
    assert date(2025, 1, 10) in days.to_list()


def test_only_the_planted_moves_exceed_a_factor_of_two(any_tape):
    moves = any_tape.moves().filter(~pl.col("ticker").str.starts_with("^"))
    first = any_tape.csv("instruments").select("ticker", session_date="first_session")
    moves = moves.join(first, on=["ticker", "session_date"], how="anti")
    large = moves.filter((pl.col("ratio") > 2) | (pl.col("ratio") < 0.5))
    kept = any_tape.csv("truth").filter(pl.col("expected") == "keep")
    strays = large.join(kept, on=["ticker", "session_date"], how="anti")
    assert strays.is_empty()
    assert len(large) >= 2


@pytest.mark.parametrize(
    ("kind", "ratio"), [("takeover_bid", 1.6), ("trial_failure", 0.3), ("trial_success", 2.2)]
)
def test_planted_moves_are_in_the_bars_with_heavy_volume(any_tape, kind, ratio):
    event = any_tape.csv("truth").filter(pl.col("kind") == kind).select("ticker", "session_date")
    moves = any_tape.moves().join(event, on=["ticker", "session_date"])
    assert any(abs(each / ratio - 1) < 0.01 for each in moves["ratio"])
    usual = any_tape.bars.filter(pl.col("ticker") == moves["ticker"][0])["volume"].median()
    assert moves["volume"][0] > 2 * usual


def test_all_split_ratios_occur_and_prices_drop_by_them(any_tape):
    moves = any_tape.moves().filter(pl.col("split").is_not_null())
    assert {2.0, 3.0, 4.0, 10.0, 0.25, 0.2, 0.1, 0.05} <= set(moves["split"])
    opened = moves["open"] / moves["before"]
    assert opened.is_between(0.85, 1.15).all()


def test_a_split_falls_into_the_last_three_sessions(any_tape):
    last_three = any_tape.bars["session_date"].unique().sort().tail(3)
    splits = any_tape.csv("actions").filter(pl.col("kind") == "split")
    assert splits["ex_date"].is_between(last_three[0], last_three[-1]).any()


def test_one_split_shares_its_day_with_a_dividend(any_tape):
    moves = any_tape.moves()
    both = moves.filter((pl.col("split") == 4) & pl.col("paid").is_not_null())
    assert len(both) >= 1
    # Per new share: a dividend per old share would take four times as much.
    assert 0.003 < both["paid"][0] / both["before"][0] < 0.008


def test_dividends_are_taken_out_of_the_price(longer_tape):
    stocks = longer_tape.moves().filter(_stocks(longer_tape) & pl.col("paid").is_not_null())
    stocks = stocks.with_columns(loss=pl.col("paid") / (pl.col("before") + pl.col("paid")))
    assert len(stocks) > 100
    assert stocks["loss"].max() > 0.1  # the special dividend
    gap = (stocks["open"] / stocks["before"]).log()
    assert abs(gap.mean()) < 0.0015


def test_sessions_without_trades_have_flat_bars(any_tape):
    quiet = any_tape.bars.filter((pl.col("volume") == 0) & ~pl.col("ticker").str.starts_with("^"))
    assert len(quiet) >= 3
    for column in ("open", "high", "low"):
        assert (quiet[column] == quiet["close"]).all()
    before = any_tape.moves().join(quiet, on=["ticker", "session_date"], how="semi")["ratio"]
    assert (before == 1).all()
