"""Planted defects: every one has its answer, and none is what really traded."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

KINDS = {
    "ohlc_order",
    "price_off_by_100x",
    "hundredfold_block",
    "zero_price",
    "negative_price",
    "null_row",
    "split_not_applied",
    "spike",
    "extra_saturday",
    "extra_holiday",
    "extra_duplicate",
    "extra_future",
}
KEY = ["ticker", "session_date"]


@pytest.fixture(params=["tape", "longer_tape"])
def any_tape(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def planted(any_tape) -> pl.DataFrame:
    """Defects beside the true bars of the same session, where there is one."""
    return any_tape.parquet("defects").join(any_tape.bars, on=KEY, how="left", suffix="_true")


def _of(planted: pl.DataFrame, kind: str) -> pl.DataFrame:
    return planted.filter(pl.col("kind") == kind)


def test_all_kinds_are_planted(any_tape):
    defects = any_tape.parquet("defects")
    assert set(defects["kind"]) == KINDS
    assert defects.select(KEY).is_unique().all()
    assert defects.columns == [
        *KEY, "open", "high", "low", "close", "volume", "kind", "visible_from", "visible_to",
    ]  # fmt: skip


def test_truth_has_one_row_per_defect_and_per_true_move(any_tape):
    truth = any_tape.csv("truth")
    defects = any_tape.parquet("defects").select(*KEY, "kind").sort(*KEY, "kind")
    wrong = truth.filter(pl.col("expected") == "quarantine").select(*KEY, "kind")
    assert wrong.sort(*KEY, "kind").equals(defects)
    kept = truth.filter(pl.col("expected") == "keep")
    assert {"takeover_bid", "trial_failure", "trial_success"} == set(kept["kind"])
    assert kept.join(any_tape.bars, on=KEY, how="anti").is_empty()
    assert kept.join(defects, on=KEY, how="semi").is_empty()


def test_replacing_kinds_have_a_true_bar_and_extra_ones_mostly_none(planted):
    extra = pl.col("kind").str.starts_with("extra")
    assert planted.filter(~extra)["close_true"].null_count() == 0
    duplicates = _of(planted, "extra_duplicate")
    assert duplicates["close_true"].null_count() == 0
    others = planted.filter(extra & (pl.col("kind") != "extra_duplicate"))
    assert others["close_true"].is_null().all()


@pytest.mark.parametrize("kind", ["price_off_by_100x", "hundredfold_block", "spike"])
def test_scaled_rows_are_off_by_their_factor(planted, kind):
    ratio = (_of(planted, kind)["close"] / _of(planted, kind)["close_true"]).round(6)
    expected = {"price_off_by_100x": {100, 0.01}, "hundredfold_block": {0.01}, "spike": {6}}
    assert set(ratio) == expected[kind]


def test_broken_rows_are_broken(planted):
    crossed = _of(planted, "ohlc_order")
    assert ((crossed["high"] < crossed["close"]) | (crossed["low"] > crossed["close"])).all()
    assert (_of(planted, "zero_price")["low"] == 0).all()
    assert (_of(planted, "negative_price")["close"] < 0).all()
    empty = _of(planted, "null_row").select("open", "high", "low", "close", "volume")
    assert empty.null_count().sum_horizontal().item() == 5 * len(empty)


def test_blocks_are_runs_of_consecutive_sessions(any_tape, planted):
    sessions = any_tape.bars["session_date"].unique().sort().to_list()
    for (_,), block in _of(planted, "hundredfold_block").group_by("ticker"):
        where = sorted(sessions.index(day) for day in block["session_date"])
        assert where == list(range(where[0], where[0] + 6))


def test_forgotten_splits_show_the_rows_as_traded_from_the_ex_date_on(any_tape, planted):
    rows = _of(planted, "split_not_applied")
    assert (rows["close"] == rows["close_true"]).all()
    splits = any_tape.csv("actions").filter(pl.col("kind") == "split")
    joined = rows.join(splits.select("ticker", "ex_date"), on="ticker")
    assert set(splits.join(rows, on="ticker", how="semi")["value"]) == {3.0, 0.1}
    assert (joined["session_date"] < joined["ex_date"]).all()
    assert (joined["visible_from"].dt.date() == joined["ex_date"]).all()


def test_extra_rows_are_where_no_session_is(any_tape, planted):
    assert (_of(planted, "extra_saturday")["session_date"].dt.weekday() == 6).all()
    sessions = any_tape.bars["session_date"]
    holidays = _of(planted, "extra_holiday")["session_date"]
    assert (holidays.dt.weekday() <= 5).all()
    assert not set(holidays) & set(sessions)
    assert (_of(planted, "extra_future")["session_date"] > sessions.max()).all()


def test_some_defects_heal_while_the_clock_moves(any_tape):
    defects = any_tape.parquet("defects")
    clock = datetime.combine(any_tape.bars["session_date"].max(), datetime.min.time(), UTC)
    clock = clock.replace(hour=23)
    healed = defects.filter(pl.col("visible_to") <= clock)
    later = defects.filter(pl.col("visible_to") > clock)
    assert len(healed) == 3
    assert len(later) == 1
    # Each was visible at the close of its own session, so a daily run meets it.
    closed = pl.col("session_date").cast(pl.Datetime("us", "UTC")).dt.offset_by("23h")
    assert defects.filter(pl.col("visible_to") <= closed).is_empty()


def test_defects_have_true_neighbours_and_calm_hosts(any_tape):
    defects = any_tape.parquet("defects").filter(pl.col("kind") != "split_not_applied")
    splits = any_tape.csv("actions").filter(pl.col("kind") == "split")
    assert not set(defects["ticker"]) & set(splits["ticker"])
    single = defects.filter(pl.col("kind") != "hundredfold_block").sort(KEY)
    gaps = single.with_columns(gap=pl.col("session_date").diff().over("ticker"))["gap"]
    assert (gaps.drop_nulls().dt.total_days() > 7).all()
