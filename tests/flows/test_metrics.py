"""The metrics of a pair against a calculation of our own from the tape, with pandas."""

import numpy as np
import pandas as pd
import pytest

from tests.flows.replay import Replay
from tests.flows.tapes import Tape


def closes(market: Tape, ticker: str) -> pd.Series:
    bad = {day for name, day in market.bad_bars() if name == ticker}
    rows = market.bars().to_pandas().query("ticker == @ticker").set_index("session_date")["close"]
    return rows[~rows.index.strftime("%Y-%m-%d").isin(bad)]


def reinvested(market: Tape, ticker: str) -> pd.Series:
    """Closes after the proportional method: each ex-date scales all closes before it."""
    out = traded = closes(market, ticker)
    for row in market.actions().to_pandas().query("ticker == @ticker").itertuples():
        assert row.kind != "split"
        before = traded.index < row.ex_date
        out = out.where(~before, out * (1 - row.value / traded[before].iloc[-1]))
    return out


def zscore(values: pd.Series, window: int) -> pd.Series:
    rolling = values.rolling(window)
    return (values - rolling.mean()) / rolling.std()


@pytest.fixture(scope="module")
def expected(market: Tape) -> pd.DataFrame:
    small, large = (closes(market, ticker) for ticker in ("IWM", "SPY"))
    small, large = small.align(large, join="inner")
    totals = [reinvested(market, t).reindex(small.index) for t in ("IWM", "SPY")]
    ratio = small / large
    out = pd.DataFrame({"ratio": ratio})
    for window in (50, 200):
        out[f"ratio_sma_{window}"] = ratio.rolling(window).mean()
    out["ratio_drawdown_252"] = ratio / ratio.rolling(252).max() - 1
    for n in (1, 5, 21, 63, 126, 252):
        out[f"excess_return_{n}"] = small.pct_change(n) - large.pct_change(n)
        out[f"excess_total_return_{n}"] = totals[0].pct_change(n) - totals[1].pct_change(n)
    out["zscore_252"] = zscore(np.log(ratio), 252)
    out["rs_ratio"] = 100 + zscore(100 * ratio, 14)
    out["rs_momentum"] = 100 + zscore(100 * out["rs_ratio"].pct_change(fill_method=None), 14)
    returns = small.pct_change(), large.pct_change()
    out["beta_63"] = returns[0].rolling(63).cov(returns[1]) / returns[1].rolling(63).var()
    out["correlation_63"] = returns[0].rolling(63).corr(returns[1])
    streak, streaks = 0, []
    for is_ahead in returns[0] > returns[1]:
        streak = streak + 1 if is_ahead else 0
        streaks.append(streak)
    out["outperformance_streak"] = streaks
    regime, regimes = "undetermined", []
    for now, mean, excess in out[["ratio", "ratio_sma_200", "excess_return_63"]].itertuples(
        index=False
    ):
        if now > mean and excess > 0:
            regime = "rotation"
        if now < mean and excess < 0:
            regime = "concentration"
        regimes.append(regime)
    out["regime"] = regimes
    names = {
        (True, True): "leading",
        (True, False): "weakening",
        (False, False): "lagging",
        (False, True): "improving",
    }
    out["quadrant"] = [
        None if np.isnan(momentum) else names[ratio >= 100, momentum >= 100]
        for ratio, momentum in out[["rs_ratio", "rs_momentum"]].itertuples(index=False)
    ]
    return out


def test_every_metric_of_the_main_pair(completed_daily_run: Replay, expected: pd.DataFrame) -> None:
    names = ", ".join(expected.columns)
    rows = completed_daily_run.rows(
        f"select session_date, {names} from published.rotation_metrics"
        " where pair = 'IWM/SPY' order by session_date"
    )
    held = pd.DataFrame(rows, columns=["session_date", *expected.columns])
    held = held.set_index(pd.DatetimeIndex(held.pop("session_date")))
    assert [*held.index] == [*expected.index]
    words = ["regime", "quadrant"]
    for word in words:
        assert held[word].tolist() == expected[word].tolist()
    for name in expected.columns.drop(words):
        mine, theirs = expected[name].to_numpy(float), held[name].to_numpy(float)
        assert np.array_equal(np.isnan(mine), np.isnan(theirs)), name
        # prices of single precision, and returns near 0
        np.testing.assert_allclose(theirs, mine, rtol=2e-4, atol=2e-6, err_msg=name)
    assert held["quadrant"].notna().sum() > 200
    assert set(held["regime"]) > {"undetermined"}
