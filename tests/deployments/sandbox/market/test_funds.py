"""Funds and indexes: what their prices have to do with the companies' prices."""

from __future__ import annotations

import polars as pl
import pytest


def _closes(tape, *tickers: str) -> pl.DataFrame:
    bars = tape.bars.filter(pl.col("ticker").is_in(tickers))
    return bars.pivot(on="ticker", index="session_date", values="close").sort("session_date")


@pytest.mark.parametrize(
    ("fund", "sector"), [("XLK", "Information Technology"), ("XLF", "Financials")]
)
def test_a_sector_fund_moves_with_its_members(longer_tape, fund, sector):
    members = longer_tape.csv("truth_companies").filter(
        (pl.col("size") == "large") & (pl.col("sector") == sector)
    )
    sessions = longer_tape.bars["session_date"].unique().sort().tail(8)
    splits = longer_tape.csv("actions").filter(pl.col("kind") == "split")
    caps = (
        longer_tape.bars.filter(pl.col("session_date").is_in(sessions.implode()))
        .join(members.select("ticker", "shares_outstanding"), on="ticker")
        .join(splits.select("ticker", "ex_date", "value"), on="ticker", how="left")
        .with_columns(
            # Shares as of the end, taken back over a split that came after the session.
            shares=pl.col("shares_outstanding")
            / pl.when(pl.col("ex_date") > pl.col("session_date"))
            .then(pl.col("value"))
            .otherwise(1.0)
        )
        .group_by("session_date")
        .agg(cap=(pl.col("shares") * pl.col("close")).sum())
        .sort("session_date")
    )
    price = _closes(longer_tape, fund).tail(8)[fund]
    expected = (caps["cap"] / caps["cap"].shift(1)).drop_nulls()
    actual = (price / price.shift(1)).drop_nulls()
    assert (expected - actual).abs().max() < 0.001


def test_funds_of_one_index_move_together(longer_tape):
    closes = _closes(longer_tape, "SPY", "IVV", "^GSPC").drop("session_date")
    changes = closes.select(pl.all().log().diff()).drop_nulls()
    assert (changes["SPY"] - changes["IVV"]).abs().max() < 0.0005
    # The funds keep their dividends for a while and then pay them; the index has none.
    assert (changes["SPY"] - changes["^GSPC"]).abs().max() < 0.01


def test_distributions_leave_the_price_on_their_ex_date(longer_tape):
    actions = longer_tape.csv("actions").filter(pl.col("ticker") == "IWM")
    assert set(actions["kind"]) == {"dividend"}
    assert 10 <= len(actions) <= 12
    assert set(actions["ex_date"].dt.month()) == {3, 6, 9, 12}
    moves = longer_tape.moves()
    index = moves.filter(pl.col("ticker") == "^RUT").select("session_date", change="ratio")
    fund = moves.filter((pl.col("ticker") == "IWM") & pl.col("paid").is_not_null())
    both = fund.join(index, on="session_date")
    assert (both["ratio"] - both["change"]).abs().max() < 0.001


def test_one_fund_pays_a_capital_gain_once(longer_tape):
    gains = longer_tape.csv("actions").filter(pl.col("kind") == "capital_gain")
    assert gains["ticker"].to_list() == ["XBI"]


def test_mega_caps_lead_first_and_small_caps_last(longer_tape):
    ratio = _closes(longer_tape, "IWM", "SPY").select(pl.col("IWM") / pl.col("SPY"))["IWM"]
    assert ratio[-75] < 0.95 * ratio[0]
    assert ratio[-1] > 1.05 * ratio[-75]


def test_small_caps_lead_fourteen_sessions_in_a_row(longer_tape):
    closes = _closes(longer_tape, "IWM", "SPY")
    led = closes.select((pl.col("IWM") / pl.col("SPY")).log().diff().gt(0).alias("led"))
    runs = led.drop_nulls().select(pl.col("led").rle()).unnest("led").filter("value")
    assert runs["len"].max() == 14


def test_the_volatility_index_is_the_published_series(longer_tape):
    index = longer_tape.bars.filter(pl.col("ticker") == "^VIX")
    series = longer_tape.parquet("observations").filter(pl.col("series_id") == "VIXCLS")
    both = index.join(series, left_on="session_date", right_on="observation_date")
    assert len(both) >= len(index) - 1  # the last close is published after the tape's clock
    assert (both["close"] == both["value"]).all()
