"""Levels: which rows a reply's odd closes put aside, and which true moves stay."""

import numpy as np
import pandas as pd
import pytest

from expectations.tables.daily_price import add_context, annotate
from tasks.extract.yahoo.parse import parse_history, to_frames

NOW = pd.Timestamp("2026-10-01", tz="UTC").to_pydatetime()
MARKS = [
    "is_off_by_100x",
    "is_split_not_applied",
    "is_adjusted_without_split",
    "is_reverted_spike",
    "is_unconfirmed_jump",
]
WARNINGS = ["is_unexplained_jump", "is_transient_level"]


def make_bars(closes, volume=1_000, undone=1.0, held=None) -> pd.DataFrame:
    """Bars of one share, on Mondays to Fridays of a stretch without holidays."""
    closes = np.asarray(closes, dtype=float)
    count = len(closes)
    bars = pd.DataFrame(
        {
            "ticker": "AAA",
            "session_date": pd.bdate_range("2024-07-08", periods=count),
            "open": closes,
            "high": closes,
            "low": closes,
            "close": closes,
            "volume": np.broadcast_to(volume, count),
            "removed_split_factor": np.broadcast_to(undone, count),
        }
    )
    held = np.nan if held is None else np.asarray(held, dtype=float)
    return add_context(bars, NOW).assign(stored_close=held)


def marked(bars: pd.DataFrame, columns=MARKS) -> dict[str, list[int]]:
    marks = annotate(bars)[columns]
    return {name: np.flatnonzero(marks[name]).tolist() for name in columns if marks[name].any()}


NAN = float("nan")
CALM = [10.0, 10.1, 9.9, 10.2, 10.0, 10.1, 9.8, 10.0, 10.1, 10.0]


def off(rows, factor, base=CALM):
    return [close * factor if n in rows else close for n, close in enumerate(base)]


class TestHundredfold:
    def test_a_block_of_few_rows(self):
        assert marked(make_bars(off({4, 5}, 100))) == {"is_off_by_100x": [4, 5]}

    def test_the_newest_row(self):
        assert marked(make_bars(off({9}, 0.01))) == {"is_off_by_100x": [9]}

    def test_all_rows_where_neither_side_is_a_minority(self):
        assert marked(make_bars(off(range(4), 100))) == {"is_off_by_100x": list(range(10))}

    def test_what_is_held_decides_however_short_the_right_side(self):
        held = [*CALM[:2], *[NAN] * 8]
        bars = make_bars(off(range(2, 10), 100), held=held)
        assert marked(bars) == {"is_off_by_100x": list(range(2, 10))}

    def test_a_split_of_one_for_hundred_is_none(self):
        undone = [0.01] * 5 + [1.0] * 5
        assert marked(make_bars(off(range(5), 0.01), undone=undone)) == {}


class TestSplitNotApplied:
    undone = (3.0,) * 7 + (1.0,) * 3
    traded = tuple(off(range(7), 3.0))

    def test_split_that_was_applied(self):
        assert marked(make_bars(self.traded, undone=self.undone)) == {}

    @pytest.mark.parametrize("rows", [[3], [2, 3, 4], [5, 6], [0, 1], list(range(7))])
    def test_rows_off_by_the_ratio(self, rows):
        bars = make_bars(off(rows, 3.0, self.traded), undone=self.undone)
        assert marked(bars) == {"is_split_not_applied": rows}

    @pytest.mark.parametrize("ratio", [0.1, 0.25, 1.5, 2.0])
    def test_whatever_the_ratio(self, ratio):
        undone = [ratio] * 7 + [1.0] * 3
        bars = make_bars(off({2, 3}, ratio, off(range(7), ratio)), undone=undone)
        assert marked(bars) == {"is_split_not_applied": [2, 3]}

    def test_a_row_that_missed_two_splits(self):
        undone = [6.0] * 5 + [2.0] * 3 + [1.0] * 2
        traded = [close * factor for close, factor in zip(CALM, undone, strict=True)]
        assert marked(make_bars(off({2}, 6.0, traded), undone=undone)) == {
            "is_split_not_applied": [2]
        }

    def test_rows_refused_before_at_the_edge_of_a_later_reply(self):
        undone = [2.0] * 7 + [1.0] * 3
        traded = off(range(7), 2.0)
        held = [NAN, *traded[1:9], NAN]
        assert marked(make_bars(off({0}, 2.0, traded), undone=undone, held=held)) == {
            "is_split_not_applied": [0]
        }

    def test_a_true_doubling_before_a_split_stays(self):
        base = [close * (0.5 if n < 3 else 1.0) for n, close in enumerate(CALM)]
        undone = [2.0] * 7 + [1.0] * 3
        traded = [close * factor for close, factor in zip(base, undone, strict=True)]
        assert marked(make_bars(traded, undone=undone)) == {}


class TestRestated:
    def test_one_ratio_off_everything_held(self):
        held = [close * 2 for close in CALM[:9]] + [NAN]
        assert marked(make_bars(CALM, held=held)) == {"is_adjusted_without_split": list(range(10))}

    def test_single_corrections_are_no_restatement(self):
        held = [10.5, *CALM[1:9], NAN]
        assert marked(make_bars(CALM, held=held)) == {}

    def test_rows_off_for_another_reason_are_none(self):
        undone = [3.0] * 9 + [1.0]
        traded = off(range(9), 3.0)
        bars = make_bars(off(range(8), 3.0, traded), undone=undone, held=[*traded[:9], NAN])
        assert marked(bars) == {"is_split_not_applied": list(range(8))}


class TestSteps:
    def test_a_spike(self):
        assert marked(make_bars(off({5}, 6.0))) == {"is_reverted_spike": [5]}

    def test_the_same_with_a_surge_of_volume_is_true(self):
        volume = [1_000] * 5 + [20_000, 12_000] + [1_000] * 3
        bars = make_bars(off({5}, 6.0), volume=volume)
        assert marked(bars) == {}
        assert marked(bars, WARNINGS) == {"is_transient_level": [5]}

    def test_a_step_that_stays_is_only_warned_of(self):
        bars = make_bars(off(range(5, 10), 15.0))
        assert marked(bars) == {}
        assert marked(bars, WARNINGS) == {"is_unexplained_jump": [5]}

    def test_a_step_in_the_newest_row_waits_for_the_next(self):
        assert marked(make_bars(off({9}, 6.0))) == {"is_unconfirmed_jump": [9]}
        volume = [1_000] * 9 + [20_000]
        assert marked(make_bars(off({9}, 6.0), volume=volume)) == {}

    def test_a_spike_refused_before_at_the_edge_of_a_later_reply(self):
        held = [NAN, *CALM[1:9], NAN]
        assert marked(make_bars(off({0}, 6.0), held=held)) == {"is_unconfirmed_jump": [0]}

    def test_a_short_level_is_only_warned_of(self):
        bars = make_bars(off({4, 5, 6}, 0.36))
        assert marked(bars) == {}
        assert marked(bars, WARNINGS) == {"is_transient_level": [4]}


def read_reply(path) -> pd.DataFrame:
    frame = pd.read_csv(path, index_col=0)
    frame.index = pd.to_datetime(frame.index.str[:10])
    bars, _ = to_frames([parse_history(path.name.split("-1d")[0], frame.sort_index())])
    return add_context(bars, NOW)


def days(frame: pd.DataFrame, mark: str) -> list[str]:
    return frame.loc[frame[mark], "session_date"].dt.strftime("%Y-%m-%d").tolist()


class TestRealReplies:
    def test_one_row_not_restated(self, bad_rows):
        frame = annotate(read_reply(bad_rows / "CNE-L-1d-bad-stock-split.csv"))
        assert days(frame, "is_split_not_applied") == ["2023-05-09"]

    def test_a_row_that_undoing_one_for_ten_thousand_turns_to_nothing(self, bad_rows):
        frame = annotate(read_reply(bad_rows / "ALPHA-PA-1d-bad-stock-split.csv"))
        off_days = frame.loc[frame["lowest_price"] <= 0, "session_date"]
        assert off_days.dt.strftime("%Y-%m-%d").tolist() == ["2023-05-08"]

    def test_pence_for_pounds_with_nothing_to_tell_which(self, bad_rows):
        frame = annotate(read_reply(bad_rows / "AET-L-1d-100x-error.csv"))
        assert frame.loc[~frame["is_closed_day"], "is_off_by_100x"].all()

    def test_pence_for_pounds_beside_what_is_held(self, bad_rows):
        reply = read_reply(bad_rows / "AET-L-1d-100x-error.csv")
        right = reply["close"] > 1
        reply["stored_close"] = 14.55
        frame = annotate(reply)
        assert (frame["is_off_by_100x"] == ~right & ~frame["is_closed_day"]).all()

    @pytest.mark.parametrize("name", ["CNE-L-1d-bad-stock-split", "ALPHA-PA-1d-bad-stock-split"])
    def test_the_repaired_replies_pass(self, bad_rows, name):
        frame = annotate(read_reply(bad_rows / f"{name}-fixed.csv"))
        assert not frame[MARKS].to_numpy().any()

    @pytest.mark.parametrize("name", ["CALM-1d-no-bad-divs", "EWG-1d-no-bad-divs"])
    def test_clean_replies_pass(self, bad_rows, name):
        frame = annotate(read_reply(bad_rows / f"{name}.csv"))
        assert not frame[[*MARKS, "is_closed_day", "is_duplicate"]].to_numpy().any()
