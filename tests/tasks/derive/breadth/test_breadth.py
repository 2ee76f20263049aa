"""Breadth on frames: against a slow calculation, in pieces, on the days that have no answer."""

import csv
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from expectations.tables.sector_breadth import CONTRACT
from tasks.derive.breadth.breadth import derive_breadth
from tasks.derive.breadth.counts import LOOKBACK_CLOSES
from tasks.derive.breadth.indicators import IndicatorState
from tests.tasks.derive.breadth.slow_breadth import slow_breadth
from tests.tasks.derive.universe import FIRST, Universe, make_universe

LINES = ("mcclellan_ema_19", "mcclellan_ema_39", "mcclellan_summation", "thrust_ema_10")


def of_members(universe: Universe) -> pl.DataFrame:
    return universe.bars.join(universe.snapshots, on="instrument_id", how="semi")


@pytest.mark.parametrize(
    "seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (3, 4, 5))]
)
def test_agrees_with_the_definitions_worked_one_by_one(seed):
    universe = make_universe(seed)
    bars = of_members(universe)
    rows = derive_breadth(bars, universe.snapshots).sort("sector", "session_date")
    slow = slow_breadth(in_pandas(bars), in_pandas(universe.snapshots))
    missing = {"index_code", "thrust_sessions_since_low"}
    assert set(slow.columns) == set(CONTRACT.column_names) - missing
    assert rows.height == len(slow)
    for name in slow.columns:
        if rows[name].dtype == pl.Float64:
            held, wanted = rows[name].to_numpy(), slow[name].to_numpy(float)
            np.testing.assert_allclose(held, wanted, rtol=1e-9, atol=2e-10, err_msg=name)
        else:
            wanted = [None if pd.isna(value) else value for value in slow[name]]
            assert rows[name].to_list() == wanted, name


def in_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """With Python's dates."""
    dates = {name: frame[name].to_list() for name in frame.columns if frame[name].dtype == pl.Date}
    return frame.to_pandas().assign(**dates)


@pytest.mark.parametrize("seed", range(12))
def test_pieces_have_the_bits_of_the_whole(seed):
    universe = make_universe(seed)
    rng = np.random.default_rng(seed)
    bars = of_members(universe)
    whole = derive_breadth(bars, universe.snapshots)
    # day by day at the end: a frame of one row must not be reckoned otherwise
    cuts = [*rng.integers(1, 270, 8), *range(280, 290)]
    for start in [FIRST + timedelta(days=int(cut)) for cut in cuts]:
        before = whole.filter(pl.col("session_date") < start)
        # what a run reads: the lookback, and the snapshots that hold from then on
        lookback = (
            bars.filter(pl.col("session_date") < start)
            .sort("session_date")
            .group_by("instrument_id")
            .tail(LOOKBACK_CLOSES)
        )
        piece = derive_breadth(
            pl.concat(
                [lookback.select(bars.columns), bars.filter(pl.col("session_date") >= start)]
            ),
            universe.snapshots,
            start,
            before.filter(pl.col("sector") == "All")["session_date"].max(),
            {sector: carry_of(rows) for (sector,), rows in before.group_by("sector")},
        )
        same = whole.filter(pl.col("session_date") >= start)
        key = ["sector", "session_date"]
        assert piece.sort(key).equals(same.sort(key))


def carry_of(rows: pl.DataFrame) -> IndicatorState:
    rows = rows.sort("session_date")
    last, seen = rows.row(-1, named=True), rows.filter(pl.col("thrust_ema_10").is_not_null())
    found = seen.row(-1, named=True) if seen.height else {}
    return IndicatorState(
        last["ad_line"],
        last["thrust_sessions_since_low"],
        **{name: found[name] for name in LINES if found},
    )


def days(*closes: tuple[float | None, ...], volume: tuple[int, ...] = ()) -> Universe:
    """Members 1, 2, ... of one sector each, equal weights; one tuple of closes per session."""
    rows = [
        (member, FIRST + timedelta(days=day), close, volume[member - 1] if volume else 100, 1.0)
        for day, session in enumerate(closes)
        for member, close in enumerate(session, start=1)
        if close is not None
    ]
    columns = ["instrument_id", "session_date", "close", "volume", "split_factor"]
    members = range(1, len(closes[0]) + 1)
    return Universe(
        pl.DataFrame(rows, schema=columns, orient="row"),
        pl.DataFrame(
            [(FIRST - timedelta(days=1), FIRST, m, f"sector {m}", 10.0 * m) for m in members],
            schema=["as_of_date", "known_from", "instrument_id", "sector", "weight_pct"],
            orient="row",
        ),
    )


def all_of(universe: Universe) -> dict[str, list[object]]:
    rows = derive_breadth(universe.bars, universe.snapshots)
    return rows.filter(pl.col("sector") == "All").to_dict(as_series=False)


def test_a_first_session_has_nothing_to_compare_to():
    found = all_of(days((10.0, 20.0)))
    assert (found["priced"], found["advancers"], found["ad_line"]) == ([0], [0], [0])
    for name in ("trin", "mcclellan_oscillator", "thrust_ema_10", "equal_weight_return"):
        assert found[name] == [None]
    assert found["is_zweig_thrust"] == found["cap_weight_return"] == [None]


def test_an_index_without_bars_has_no_rows():
    universe = days((10.0, 20.0))
    rows = derive_breadth(universe.bars.clear(), universe.snapshots)
    assert rows.height == 0
    assert set(rows.columns) == set(CONTRACT.column_names) - {"index_code"}


def test_an_all_up_day_has_no_trin():
    found = all_of(days((10.0, 20.0), (11.0, 21.0)))
    assert (found["advancers"][1], found["trin"][1], found["thrust_ema_10"][1]) == (2, None, 1.0)
    assert found["equal_weight_return"][1] == pytest.approx((0.1 + 0.05) / 2)
    assert found["cap_weight_return"][1] == pytest.approx((0.1 * 10 + 0.05 * 20) / 30)


def test_decliners_without_volume_have_no_trin():
    found = all_of(days((10.0, 20.0), (11.0, 19.0), volume=(100, 0)))
    assert (found["decliners"][1], found["declining_volume"][1], found["trin"][1]) == (1, 0, None)


def test_averages_go_on_over_a_session_without_moves():
    found = all_of(days((10.0,), (11.0,), (11.0,), (10.5,)))
    assert found["mcclellan_ema_19"] == [None, 1000.0, None, pytest.approx(0.9 * 1000 - 0.1 * 1000)]
    assert found["mcclellan_summation"][2] is None
    assert found["ad_line"] == [0, 1, 1, 0]


def test_a_member_that_pauses_is_not_priced_when_it_is_back():
    found = all_of(days((10.0, 20.0), (None, 21.0), (12.0, 22.0)))
    assert found["priced"] == [0, 1, 1]


def test_a_thrust_is_a_rise_from_below_to_above_within_ten_sessions():
    closes = [(100.0, 100.0)]
    # one of two falls each day, then both rise
    for step in [(-1, -1)] * 6 + [(1, 1)] * 12:
        closes.append(tuple(close + move for close, move in zip(closes[-1], step, strict=True)))
    found = all_of(days(*closes))
    first = found["is_zweig_thrust"].index(True)
    averages = found["thrust_ema_10"]
    low = max(i for i, v in enumerate(averages) if v is not None and v < 0.40)
    assert averages[first] > 0.615 >= averages[first - 1]
    expected = [v is not None and v > 0.615 and i - low < 10 for i, v in enumerate(averages)]
    assert [bool(v) for v in found["is_zweig_thrust"]] == expected


def test_real_members_of_2024(tapes):
    """R2000 as the tape's file has it, with the splits of 2024."""
    folder = tapes / "real-2024"
    text = (folder / "holdings/IWM/2023-11-17.csv").read_text(encoding="utf-8-sig").splitlines()
    header = next(i for i, line in enumerate(text) if line.startswith("Ticker,"))
    spelled = {"MOGA": "MOG-A", "GEFB": "GEF-B", "CRDA": "CRD-A"}
    listed = {
        spelled.get(row["Ticker"], row["Ticker"]): (row["Sector"], float(row["Weight (%)"]))
        for row in csv.DictReader(text[header:])
        if row["Asset Class"] == "Equity"
    }
    tickers = pl.DataFrame({"ticker": sorted(listed)}).with_row_index("instrument_id")
    members = tickers.with_columns(
        pl.lit(date(2023, 11, 17)).alias("as_of_date"),
        pl.lit(date(2023, 11, 20)).alias("known_from"),
        pl.col("ticker").replace_strict({t: s for t, (s, _) in listed.items()}).alias("sector"),
        pl.col("ticker").replace_strict({t: w for t, (_, w) in listed.items()}).alias("weight_pct"),
    )
    bars = pl.read_parquet(folder / "bars.parquet").join(tickers, on="ticker")
    factor = pl.lit(1.0)
    actions = pl.read_csv(folder / "actions.csv", try_parse_dates=True)
    for ticker, ex_date, _, value in actions.filter(pl.col("kind") == "split").iter_rows():
        is_before = (pl.col("ticker") == ticker) & (pl.col("session_date") < ex_date)
        factor = factor * pl.when(is_before).then(1 / value).otherwise(1.0)
    rows = derive_breadth(bars.with_columns(factor.alias("split_factor")), members)
    rows = rows.filter(pl.col("sector") == "All")
    july_11 = rows.row(by_predicate=pl.col("session_date") == date(2024, 7, 11), named=True)
    assert [july_11[n] for n in ("advancers", "decliners", "unchanged", "priced")] == [
        1658,
        119,
        10,
        1787,
    ]
    assert round(july_11["pct_above_20"], 2) == 80.19
    assert round(july_11["pct_above_50"], 2) == 63.68
    july_16 = rows.row(by_predicate=pl.col("session_date") == date(2024, 7, 16), named=True)
    assert round(july_16["pct_above_20"], 2) == 94.39
    assert round(july_16["mcclellan_oscillator"], 2) == 132.15
