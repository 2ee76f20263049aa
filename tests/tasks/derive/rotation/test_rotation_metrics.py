"""derive_pair against the formulae of the contract, written once more and one row at a time."""

import math
from datetime import date, timedelta
from statistics import correlation, linear_regression, mean, stdev

import numpy as np
import polars as pl
import pytest

from expectations.tables.rotation_metrics import CONTRACT
from tasks.derive.rotation.rotation_metrics import LOOKBACK_SESSIONS, PairState, derive_pair

HORIZONS = (1, 5, 21, 63, 126, 252)
COLUMNS = [name for name in CONTRACT.column_names if name != "pair"]


def sessions(small, large, small_reinvested=None, large_reinvested=None):
    """The frame that derive_pair takes."""
    ones = [1.0] * len(small)
    return pl.DataFrame(
        {
            "session_date": [date(2020, 1, 1) + timedelta(days=n) for n in range(len(small))],
            "small": small,
            "large": large,
            "small_reinvested": ones if small_reinvested is None else small_reinvested,
            "large_reinvested": ones if large_reinvested is None else large_reinvested,
        }
    )


def random_walks(length, seed):
    random = np.random.default_rng(seed)
    small, large = 50 * np.exp(np.cumsum(random.normal(0, 0.012, (2, length)), axis=1))
    return small.round(4).tolist(), large.round(4).tolist()


def some_distributions(length, seed):
    random = np.random.default_rng(seed)
    return np.where(random.random(length) < 0.02, 1 + random.random(length) / 50, 1.0).tolist()


def score(values):
    """How far the last value is from the mean, in sample deviations; None without a scale."""
    if None in values or min(values) == max(values):
        return None
    return (values[-1] - mean(values)) / stdev(values)


def grown(closes, reinvested, n, t):
    return closes[t] / closes[t - n] * math.prod(reinvested[t - n + 1 : t + 1])


def quadrant(ratio, momentum):
    if ratio is None or momentum is None:
        return None
    if ratio >= 100:
        return "leading" if momentum >= 100 else "weakening"
    return "improving" if momentum >= 100 else "lagging"


def expected_rows(frame):
    """What the contract says, from the first session to the last."""
    days, s, low, s_paid, l_paid = (frame[name].to_list() for name in frame.columns)
    ratio = [a / b for a, b in zip(s, low, strict=True)]
    rows, rs_ratios, rocs = [], [], []
    streak, regime = 0, "undetermined"

    def last(values, n, t):
        return values[t - n + 1 : t + 1] if t >= n - 1 else None

    for t in range(len(s)):
        row = {"session_date": days[t], "ratio": ratio[t]}
        for n in (50, 200):
            row[f"ratio_sma_{n}"] = mean(last(ratio, n, t)) if t >= n - 1 else None
        row["ratio_drawdown_252"] = ratio[t] / max(last(ratio, 252, t)) - 1 if t >= 251 else None
        for n in HORIZONS:
            is_full = t >= n
            row[f"excess_return_{n}"] = s[t] / s[t - n] - low[t] / low[t - n] if is_full else None
            total = grown(s, s_paid, n, t) - grown(low, l_paid, n, t) if is_full else math.nan
            row[f"excess_total_return_{n}"] = None if math.isnan(total) else total
        row["zscore_252"] = score([math.log(x) for x in last(ratio, 252, t)]) if t >= 251 else None
        above = score([100 * x for x in last(ratio, 14, t)]) if t >= 13 else None
        rs_ratios.append(None if above is None else 100 + above)
        now, before = rs_ratios[t], rs_ratios[t - 1] if t else None
        rocs.append(None if now is None or before is None else 100 * (now / before - 1))
        above = score(last(rocs, 14, t)) if t >= 13 else None
        row["rs_ratio"] = now
        row["rs_momentum"] = None if above is None else 100 + above
        row["quadrant"] = quadrant(row["rs_ratio"], row["rs_momentum"])
        is_ahead = t >= 1 and s[t] / s[t - 1] > low[t] / low[t - 1]
        streak = streak + 1 if is_ahead else 0
        row["outperformance_streak"] = streak
        row["beta_63"] = row["correlation_63"] = None
        if t >= 63:
            ours = [s[i] / s[i - 1] - 1 for i in range(t - 62, t + 1)]
            theirs = [low[i] / low[i - 1] - 1 for i in range(t - 62, t + 1)]
            if len(set(theirs)) > 1:
                row["beta_63"] = linear_regression(theirs, ours).slope
                if len(set(ours)) > 1:
                    row["correlation_63"] = correlation(theirs, ours)
        if t >= 199:
            excess = row["excess_return_63"]
            if ratio[t] > row["ratio_sma_200"] and excess > 0:
                regime = "rotation"
            elif ratio[t] < row["ratio_sma_200"] and excess < 0:
                regime = "concentration"
        row["regime"] = regime
        rows.append(row)
    return rows


LENGTH = 420
SMALL, LARGE = random_walks(LENGTH, 1)
PAID = some_distributions(LENGTH, 2), some_distributions(LENGTH, 3)
FLAT = [10.0] * LENGTH
HALTED = SMALL[:150] + [SMALL[150]] * 120 + SMALL[270:]
UNKNOWN = [*PAID[0][:200], math.nan, *PAID[0][201:]]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(sessions(SMALL, LARGE), id="random walks"),
        pytest.param(sessions(SMALL, LARGE, *PAID), id="distributions"),
        pytest.param(sessions(SMALL, LARGE, UNKNOWN, PAID[1]), id="one of unknown size"),
        pytest.param(sessions(FLAT, LARGE), id="small never moves"),
        pytest.param(sessions(SMALL, FLAT), id="large never moves"),
        pytest.param(sessions(FLAT, FLAT), id="neither moves"),
        pytest.param(sessions(SMALL, SMALL), id="one and the same"),
        pytest.param(sessions(HALTED, LARGE), id="small halts"),
        pytest.param(sessions(HALTED, HALTED[::-1]), id="both halt"),
        *(
            pytest.param(sessions(SMALL[:n], LARGE[:n]), id=f"{n} sessions")
            for n in (1, 2, 14, 28, 63, 64, 252, 253)
        ),
    ],
)
def test_rows_are_what_the_contract_says(frame):
    rows = derive_pair(frame, PairState(), 0)
    assert set(rows.columns) == set(COLUMNS)
    wanted = pl.DataFrame(expected_rows(frame), infer_schema_length=None)
    for name in COLUMNS:
        ours, theirs = rows[name].to_list(), wanted[name].to_list()
        assert [x is None for x in ours] == [x is None for x in theirs], name
        held = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None]
        if rows[name].dtype == pl.Float64:
            assert [a for a, _ in held] == pytest.approx([b for _, b in held], 1e-8, 1e-11), name
        else:
            assert [a for a, _ in held] == [b for _, b in held], name


def test_every_window_fills_when_it_can():
    rows = derive_pair(sessions(SMALL, LARGE), PairState(), 0)
    first = {name: rows[name].is_not_null().arg_max() for name in rows.columns}
    assert first | dict.fromkeys(("session_date", "ratio", "regime"), 0) == first
    assert {name: at for name, at in first.items() if at} == {
        **{"ratio_sma_50": 49, "ratio_sma_200": 199, "ratio_drawdown_252": 251},
        **{f"excess_return_{n}": n for n in HORIZONS},
        **{f"excess_total_return_{n}": n for n in HORIZONS},
        **{"zscore_252": 251, "rs_ratio": 13, "rs_momentum": 27, "quadrant": 27},
        **{"beta_63": 63, "correlation_63": 63},
    }


def carry_at(rows, t):
    return PairState(*rows.select("outperformance_streak", "regime").row(t - 1))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 30])
def test_row_has_the_same_bits_in_whatever_company_it_is_derived(length):
    frame = sessions(SMALL, LARGE, *PAID)
    whole = derive_pair(frame, PairState(), 0)
    for start in range(1, LENGTH - length, 17):
        skip = min(start, LOOKBACK_SESSIONS)
        part = frame.slice(start - skip, skip + length)
        derived = derive_pair(part, carry_at(whole, start), skip)
        assert derived.equals(whole.slice(start, length)), start


@pytest.mark.parametrize("column", ["small", "large", "small_reinvested", "large_reinvested"])
@pytest.mark.parametrize("at", [0, 20, 260, 400])
def test_what_comes_later_changes_nothing_earlier(column, at):
    frame = sessions(SMALL, LARGE, *PAID)
    later = pl.int_range(pl.len()) > at
    changed = frame.with_columns(pl.when(later).then(pl.col(column) * 1.5).otherwise(column))
    before, after = (derive_pair(each, PairState(), 0) for each in (frame, changed))
    assert after.head(at + 1).equals(before.head(at + 1))
    assert not after.equals(before)


@pytest.fixture(scope="module")
def etfs(tapes):
    bars = pl.read_parquet(tapes / "real-etf" / "bars.parquet")
    small, large = (
        bars.filter(pl.col("ticker") == ticker).select("session_date", pl.col("close").alias(leg))
        for leg, ticker in (("small", "IWM"), ("large", "SPY"))
    )
    frame = small.join(large, on="session_date").sort("session_date")
    ones = {f"{leg}_reinvested": pl.lit(1.0) for leg in ("small", "large")}
    return derive_pair(frame.with_columns(**ones), PairState(), 0)


@pytest.mark.parametrize(
    ("day", "facts"),
    [
        (date(2008, 6, 6), {"ratio": 0.590294, "zscore_252": 1.047773, "rs_ratio": 101.595675,
                            "outperformance_streak": 13}),
        (date(2025, 12, 31), {"ratio": 0.360981, "excess_return_21": 0.000172,
                              "beta_63": 1.325186, "regime": "rotation"}),
    ],
)  # fmt: skip
def test_facts_of_the_russell_against_the_s_and_p(etfs, day, facts):
    row = etfs.row(by_predicate=pl.col("session_date") == day, named=True)
    found = {name: row[name] for name in facts}
    rounded = {n: round(v, 6) if isinstance(v, float) else v for n, v in found.items()}
    assert rounded == facts


def test_longest_run_of_the_russell_is_13_sessions(etfs):
    longest = etfs.row(by_predicate=pl.col("outperformance_streak") == 13, named=True)
    assert etfs["outperformance_streak"].max() == 13
    assert longest["session_date"] == date(2008, 6, 6)


def test_a_session_that_one_leg_lacks_is_none_of_the_pairs():
    """Compare a pair with a hole with the figures counted by hand on the common sessions."""
    days = [date(2024, 1, 2) + timedelta(days=n) for n in range(9)]
    small = dict(zip(days, [10.0, 10.2, 10.4, 10.7, 10.9, 11.2, 11.1, 11.4, 11.8], strict=True))
    large = dict(zip(days, [20.0, 20.1, 20.2, 25.0, 20.4, 20.5, 20.6, 20.7, 20.8], strict=True))
    # the fourth session: the small leg has no bar, and the large one an outlier
    del small[days[3]]
    common = [day for day in days if day in small and day in large]
    frame = sessions([small[day] for day in common], [large[day] for day in common])
    rows = derive_pair(frame.with_columns(pl.Series("session_date", common)), PairState(), 0)
    assert rows["session_date"].to_list() == common
    # ahead on both sides of the hole: 1 and 2 before it, 3 on the first session after it
    assert rows["outperformance_streak"].to_list() == [0, 1, 2, 3, 4, 0, 1, 2]
    # from the last common close, 10.4 and 20.2, over the hole
    assert rows["excess_return_1"][3] == pytest.approx(10.9 / 10.4 - 20.4 / 20.2)
    assert rows["excess_return_5"][5] == pytest.approx(11.1 / 10.0 - 20.6 / 20.0)
    assert rows["excess_return_5"][:5].is_null().all()
