"""Splits listed on a wrong session: returns stay the market's, and no close is lost."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from expectations.tables import corporate_action, daily_price
from tasks.extract.yahoo.parse import parse_history, to_frames
from tasks.validate.validate import validate

SESSIONS = pd.DatetimeIndex(
    daily_price.session_close_times(pd.Series(pd.bdate_range("2024-01-02", "2024-06-28")))
    .dropna()
    .dt.normalize()
).tz_localize(None)
RATIOS = [1.5, 2.0, 3.0, 4.0, 10.0, 20.0, 1 / 8, 1 / 20, 1 / 100]


def market(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Closes and opens of a share in the units of after its split."""
    random = np.random.default_rng(seed)
    closes = 80 * np.exp(np.cumsum(random.normal(0, 0.015, len(SESSIONS))))
    opens = np.append(closes[0], closes[:-1] * np.exp(random.normal(0, 0.006, len(closes) - 1)))
    return closes, opens


def chart(
    ratio: float, effective: int, listed: int, adjusted_to: int, until: int | None = None
) -> pd.DataFrame:
    """What yfinance returns if Yahoo adjusts all rows before `adjusted_to`."""
    row = np.arange(len(SESSIONS))
    as_traded = np.where(row < effective, ratio, 1.0)
    factor = as_traded / np.where(row < adjusted_to, ratio, 1.0)
    closes, opens = market(7)
    frame = pd.DataFrame(
        {
            "Open": opens * factor,
            "High": np.maximum(opens, closes) * factor,
            "Low": np.minimum(opens, closes) * factor,
            "Close": closes * factor,
            "Volume": 1_000_000,
            "Dividends": 0.0,
            "Stock Splits": np.where(row == listed, ratio, 0.0),
        },
        index=SESSIONS.tz_localize("America/New_York"),
    )
    return frame.iloc[:until]


def load(frame: pd.DataFrame, now: pd.Timestamp | None = None):
    """Return the valid bars, the valid actions and the rules that quarantined rows."""
    bars, actions = to_frames([parse_history("AAA", frame)])
    clock = (now or SESSIONS[-1]) + pd.Timedelta("23h")
    clock = datetime.fromtimestamp(clock.timestamp(), UTC)
    checked = validate(daily_price.CONTRACT, daily_price.add_context(bars, clock))
    acts = validate(
        corporate_action.CONTRACT,
        corporate_action.add_context(actions, clock, checked.valid_rows),
    )
    return checked.valid_rows, acts.valid_rows, {*checked.quarantine["rule"]}


def returns(bars: pd.DataFrame, actions: pd.DataFrame) -> np.ndarray:
    """Daily returns of closes adjusted for the loaded splits."""
    adjusted = bars["close"].to_numpy(float)
    for split in actions[actions["kind"] == "split"].itertuples():
        adjusted = adjusted / np.where(bars["session_date"] < split.ex_date, split.value, 1.0)
    return adjusted[1:] / adjusted[:-1] - 1


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("off", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize(
    "effective", [30, *(pytest.param(row, marks=pytest.mark.slow) for row in (60, 100))]
)
def test_returns_are_those_of_the_market(ratio, off, effective):
    listed = effective + off
    bars, actions, rules = load(chart(ratio, effective, listed, listed))
    closes, _ = market(7)
    assert rules == set()
    assert actions["ex_date"].to_list() == [SESSIONS[effective]]
    np.testing.assert_allclose(returns(bars, actions), closes[1:] / closes[:-1] - 1, atol=1e-4)
    as_traded = np.where(np.arange(len(closes)) < effective, ratio, 1.0) * closes
    np.testing.assert_allclose(bars["close"], as_traded, rtol=1e-4)


@pytest.mark.parametrize("ratio", RATIOS)
def test_split_listed_on_the_evening_before_waits(ratio):
    frame = chart(ratio, 61, 60, 60, until=61)
    _, actions, _ = load(frame, SESSIONS[60])
    assert actions.empty


@pytest.mark.parametrize("ratio", [1.5, 2.0, 1 / 8, 1 / 100])
def test_split_listed_twice_counts_once(ratio):
    frame = chart(ratio, 60, 60, 60)
    frame.iloc[61, frame.columns.get_loc("Stock Splits")] = ratio
    bars, actions, _ = load(frame)
    closes, _ = market(7)
    np.testing.assert_allclose(returns(bars, actions), closes[1:] / closes[:-1] - 1, atol=1e-4)


@pytest.mark.parametrize("ratio", [20.0, 1 / 8, 1 / 20, 1 / 50, 1 / 100, 1 / 200])
def test_history_not_adjusted_costs_the_rows_before_only(ratio):
    bars, actions, rules = load(chart(ratio, 100, 100, 0))
    assert rules == {"split_not_applied"}
    assert bars["session_date"].to_list() == SESSIONS[100:].to_list()
    assert len(actions) == 1


@pytest.mark.parametrize("ratio", [1 / 20, 1 / 100])
def test_each_new_row_loads_while_the_history_waits_for_its_adjustment(ratio):
    closes, _ = market(7)
    stored = pd.DataFrame(
        {"ticker": "AAA", "session_date": SESSIONS[:100], "close": closes[:100] * ratio}
    )
    for newest in range(100, 108):
        bars, _ = to_frames(
            [parse_history("AAA", chart(ratio, 100, 100, 0).iloc[newest - 10 : newest + 1])]
        )
        now = datetime.fromtimestamp((SESSIONS[newest] + pd.Timedelta("23h")).timestamp(), UTC)
        good = validate(daily_price.CONTRACT, daily_price.add_context(bars, now, stored)).valid_rows
        assert good["session_date"].to_list() == SESSIONS[100 : newest + 1].to_list()
        new = good[["ticker", "session_date", "close"]].iloc[-1:]
        stored = pd.concat([stored, new], ignore_index=True)


def test_a_doubling_that_stays_is_no_wrong_date():
    frame = chart(2.0, 60, 60, 60)
    frame.iloc[60:, :4] *= 2.0
    _, actions, _ = load(frame)
    assert actions["ex_date"].to_list() == [SESSIONS[60]]
