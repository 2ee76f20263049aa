"""Test the removal of split adjustment, with numbers worked by hand."""

import numpy as np
import pandas as pd
import pytest

from tasks.extract.yahoo.parse import ACTION_COLUMNS, BAR_COLUMNS, parse_history, to_frames

COLUMNS = ["Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits"]


def reply(rows: dict[str, tuple[float, float, float, float]]) -> pd.DataFrame:
    """Return a frame like yfinance's, from day -> (price, volume, dividend, split)."""
    index = pd.DatetimeIndex(list(rows), tz="America/New_York", name="Date").as_unit("s")
    data = [
        (price, price, price, price, price, volume, dividend, split)
        for price, volume, dividend, split in rows.values()
    ]
    return pd.DataFrame(data, columns=COLUMNS, index=index)


def parse(ticker: str, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return bars and actions of one reply as frames."""
    return to_frames([parse_history(ticker, frame)])


def test_prices_volumes_and_dividends_are_unadjusted() -> None:
    # 7:1 on 9 June 2014 and 4:1 on 31 August 2020: 645.57 is sent as 645.57 / 28
    bars, actions = parse(
        "AAPL",
        reply(
            {
                "2014-06-05": (645.57 / 28, 2_800_000, 0.0, 0.0),
                "2014-06-09": (93.70 / 4, 4_000_004, 0.1175, 7.0),
                "2020-08-28": (499.23 / 4, 400, 0.205, 0.0),
                "2020-08-31": (129.04, 225_702_700, 0.0, 4.0),
            }
        ),
    )
    assert list(bars["close"]) == [645.57, 93.70, 499.23, 129.04]
    assert list(bars["volume"]) == [100_000, 1_000_001, 100, 225_702_700]
    assert list(bars["removed_split_factor"]) == [28.0, 4.0, 4.0, 1.0]
    assert list(bars["volume_resolution"]) == [1.0, 1.0, 1.0, 1.0]
    # the dividend of 9 June was paid after the split of that day: undo the later split only
    expected = [
        ("2014-06-09", "dividend", 0.47),
        ("2014-06-09", "split", 7.0),
        ("2020-08-28", "dividend", 0.82),
        ("2020-08-31", "split", 4.0),
    ]
    shown = actions.assign(ex_date=actions["ex_date"].dt.strftime("%Y-%m-%d"))
    columns = ["ex_date", "kind", "value"]
    assert list(shown[columns].itertuples(index=False, name=None)) == expected


def test_reverse_split_rounds_the_volume() -> None:
    # 1:20: 98,765 shares are adjusted to 4,938.25, sent as 4,938, read back as 98,760
    bars, _ = parse(
        "REVS", reply({"2024-06-07": (10.0, 4938, 0, 0), "2024-06-10": (11.0, 50, 0, 0.05)})
    )
    assert list(bars["close"]) == [0.5, 11.0]
    assert list(bars["volume"]) == [98_760, 50]
    assert list(bars["volume_resolution"]) == [20.0, 1.0]


@pytest.mark.parametrize("factor", [2, 3, 7, 10, 28, 1.5, 0.1, 1 / 15, 1 / 3])
def test_adjusting_and_unadjusting_keeps_the_price(factor: float) -> None:
    prices = np.round(np.linspace(0.0001, 9999.9999, 20_011), 4)
    index = pd.date_range("1990-01-01", periods=len(prices), tz="America/New_York", unit="s")
    frame = pd.DataFrame(dict.fromkeys(COLUMNS[:4], prices / factor), index=index)
    frame = frame.assign(Volume=1, **{"Dividends": 0.0, "Stock Splits": 0.0})
    split = frame.tail(1).set_axis(frame.index[-1:] + pd.Timedelta(days=1))
    bars, _ = parse("X", pd.concat([frame, split.assign(**{"Stock Splits": factor})]))
    assert np.array_equal(bars["close"].to_numpy()[:-1], prices)


def test_null_bars_are_kept() -> None:
    bars, _ = parse("X", reply({"2024-06-06": (np.nan, 0, 0, 0), "2024-06-07": (5.0, 0, 0, 0)}))
    assert list(bars["close"].isna()) == [True, False]
    assert list(bars["volume"].isna()) == [True, False]


def test_events_outside_of_the_bars_are_no_bars() -> None:
    # yfinance adds a row without prices for them
    bars, actions = parse(
        "X",
        reply(
            {
                "2024-06-05": (np.nan, 0, 0.3, 0),
                "2024-06-06": (50.0, 10, 0, 0),
                "2024-06-07": (np.nan, 0, 0.2, 0),
                "2024-06-10": (np.nan, 0, 0, 10.0),
            }
        ),
    )
    assert list(bars["session_date"]) == [pd.Timestamp("2024-06-06")]
    assert bars["close"].item() == 500.0
    assert list(actions["value"]) == [3.0, 2.0, 10.0]


def test_null_bar_with_an_event_is_kept() -> None:
    bars, actions = parse(
        "X",
        reply(
            {
                "2024-06-05": (5.0, 1, 0, 0),
                "2024-06-06": (np.nan, 0, 0.2, 0),
                "2024-06-07": (5.0, 1, 0, 0),
            }
        ),
    )
    assert len(bars) == 3
    assert len(actions) == 1


def test_repeated_and_weekend_days_are_kept() -> None:
    frame = reply({"2024-06-07": (5.0, 1, 0, 0), "2024-06-08": (6.0, 1, 0, 0)})
    twice = pd.concat([frame, frame.tail(1).assign(**{"Stock Splits": 2.0})] * 2).sort_index()
    bars, actions = parse("X", twice)
    assert len(bars) == 6
    assert list(actions["value"]) == [2.0]
    assert set(bars["removed_split_factor"]) == {2.0, 1.0}


def test_capital_gains_at_any_hour_get_their_day() -> None:
    frame = reply({"2024-12-16": (5.0, 1, 0, 0), "2024-12-17": (5.0, 1, 0, 0)})
    frame = frame.assign(**{"Capital Gains": [0.0, 1.25]})
    frame.index = frame.index + pd.to_timedelta([0, 9.5], "h")
    _, actions = parse("IWM", frame)
    assert actions.to_dict("records") == [
        {
            "ticker": "IWM",
            "ex_date": pd.Timestamp("2024-12-17"),
            "kind": "capital_gain",
            "value": 1.25,
            "currency": "USD",
            "listed_date": pd.Timestamp("2024-12-17"),
            "is_repeated": False,
            "source": "yahoo",
        }
    ]


@pytest.mark.parametrize("split", [-2.0, np.inf])
def test_invalid_split_raises(split: float) -> None:
    with pytest.raises(ValueError, match="X: a split of the reply is not a positive number"):
        parse("X", reply({"2024-06-07": (5.0, 1, 0, split)}))


def test_empty_reply_has_the_same_dtypes() -> None:
    full = parse("X", reply({"2024-06-07": (5.0, 1, 0.1, 0)}))
    empty = parse("X", reply({"2024-06-07": (5.0, 1, 0.1, 0)}).head(0))
    for frames in (full, empty):
        assert frames[0].dtypes.astype(str).to_dict() == BAR_COLUMNS
        assert frames[1].dtypes.astype(str).to_dict() == ACTION_COLUMNS


def test_split_without_any_price_keeps_its_day() -> None:
    bars, actions = parse(
        "X", reply({"2024-06-06": (np.nan, 9, 0, 0), "2024-06-07": (np.nan, 9, 0, 2.0)})
    )
    assert list(bars["removed_split_factor"]) == [2.0, 1.0]
    assert list(actions["ex_date"]) == [pd.Timestamp("2024-06-07")]


def test_frames_of_several_tickers_are_stacked_in_order() -> None:
    replies = {
        "B": reply({"2024-06-06": (4.0, 7, 0.2, 0), "2024-06-07": (np.nan, 0, 0, 0)}),
        "A": reply({"2024-06-07": (5.0, 1, 0, 0)}),
    }
    bars, actions = to_frames([parse_history(*each) for each in replies.items()])
    assert list(bars["ticker"]) == ["B", "B", "A"]
    assert list(bars["close"].fillna(-1)) == [4.0, -1, 5.0]
    assert list(bars["volume"].fillna(-1)) == [7, -1, 1]
    assert list(actions["ticker"]) == ["B"]


def test_frames_of_no_ticker_have_the_same_dtypes() -> None:
    bars, actions = to_frames([])
    assert bars.dtypes.astype(str).to_dict() == BAR_COLUMNS
    assert actions.dtypes.astype(str).to_dict() == ACTION_COLUMNS
