"""Yahoo's bars as yfinance reads them: restated as the clock moves."""

import pytest

WINDOW = {"start": "2024-03-01", "end": "2025-01-01"}
EVE, SPLIT_DAY = "2024-03-08T23:00:00Z", "2024-03-11T23:00:00Z"


def column(rows, name):
    return [row[name] for row in rows.values()]


def test_bars_are_as_traded_before_the_split(sandbox, clients):
    sandbox.set_clock(EVE)
    rows = clients.history("AAA", **WINDOW)
    assert list(rows) == ["2024-03-07", "2024-03-08"]
    assert column(rows, "Close") == [400, 408]
    assert column(rows, "Volume") == [1000, 1100]
    assert column(rows, "Dividends") == [0, 2.0]
    assert column(rows, "Stock Splits") == [0, 0]


def test_a_split_restates_the_past(sandbox, clients):
    sandbox.set_clock(SPLIT_DAY)
    rows = clients.history("AAA", **WINDOW)
    assert column(rows, "Open") == [99, 100, 101]
    assert column(rows, "High") == [101, 102.5, 104]
    assert column(rows, "Low") == [98, 99.5, 100]
    assert column(rows, "Close") == [100, 102, 103]
    assert column(rows, "Volume") == [4000, 4400, 4400]
    assert column(rows, "Dividends") == [0, 0.5, 0]
    assert column(rows, "Stock Splits") == [0, 0, 4.0]


def test_the_clock_moves_back(sandbox, clients):
    sandbox.set_clock(SPLIT_DAY)
    assert column(clients.history("AAA", **WINDOW), "Close")[0] == 100
    sandbox.set_clock(EVE)
    assert column(clients.history("AAA", **WINDOW), "Close")[0] == 400


def test_a_split_is_known_on_the_morning_of_its_day(sandbox, clients):
    sandbox.set_clock("2024-03-11T12:00:00Z")
    chart = clients.chart("AAA", period1=0, period2=1735700000, events="div,splits")["result"][0]
    assert chart["indicators"]["quote"][0]["close"] == [100, 102]
    split = {"date": 1710163800, "numerator": 4.0, "denominator": 1.0, "splitRatio": "4:1"}
    assert chart["events"]["splits"] == {"1710163800": split}


def test_adjclose_takes_each_dividend_off_the_closes_before_it(clients):
    rows = clients.history("AAA", **WINDOW)
    # 2.00 on a close of 400 keeps 199/200; 0.50 on a close of 103 keeps 205/206.
    kept = 205 / 206
    expected = [100 * kept * 199 / 200, 102 * kept, 103 * kept, 102]
    assert column(rows, "Adj Close") == pytest.approx(expected, rel=1e-12)


def test_restated_values_give_back_what_was_traded(clients):
    rows = clients.history("BBB", **WINDOW)
    traded = [value * 0.1 for value in column(rows, "High")]
    assert traded[1] == pytest.approx(1.3, rel=1e-12)
    assert rows["2024-03-12"]["Stock Splits"] == 0.1
    assert rows["2024-03-08"]["Volume"] == 6000


def test_timestamps_are_the_opens_in_new_york(clients):
    chart = clients.chart("AAA", period1=0, period2=1735700000)["result"][0]
    # 2024-03-07 14:30Z, 2024-03-08 14:30Z, and in summer time 13:30Z on the 11th and 12th.
    assert chart["timestamp"] == [1709821800, 1709908200, 1710163800, 1710250200]
    assert chart["meta"]["exchangeTimezoneName"] == "America/New_York"
    assert chart["meta"]["firstTradeDate"] == 1709821800


def test_the_window_takes_its_start_and_leaves_its_end(clients):
    rows = clients.history("AAA", start="2024-03-08", end="2024-03-12")
    assert list(rows) == ["2024-03-08", "2024-03-11"]
    chart = clients.chart("AAA", period1=1709908200, period2=1710163800, events="div,splits")
    assert chart["result"][0]["timestamp"] == [1709908200]
    assert list(chart["result"][0]["events"]) == ["dividends"]


@pytest.mark.parametrize(
    ("period", "count"), [("1d", 1), ("5d", 4), ("1mo", 4), ("ytd", 4), ("max", 4)]
)
def test_ranges(clients, period, count):
    assert len(clients.history("AAA", period=period)) == count


def test_the_session_in_progress_is_cut_short(sandbox, clients):
    sandbox.set_clock("2024-03-12T15:30:00Z")  # 11:30 in New York: 2 of 6.5 hours are over
    rows = clients.history("AAA", **WINDOW)
    bar = rows["2024-03-12"]
    # 4/13 of the way from the open 102.5 to the close 102, high 103.5 and low 101.5.
    close = 102.5 - 0.5 * 4 / 13
    assert bar["Open"] == 102.5
    assert bar["Close"] == pytest.approx(close)
    assert bar["High"] == pytest.approx(102.5 + 4 / 13)
    assert bar["Low"] == pytest.approx(close - (close - 101.5) * 4 / 13)
    assert bar["Volume"] == 1230
    chart = clients.chart("AAA", range="1d")["result"][0]
    assert chart["timestamp"] == [1710257400]
    assert chart["meta"]["regularMarketTime"] == 1710257400
    # The dividend of that day is known already.
    assert rows["2024-03-11"]["Adj Close"] == pytest.approx(103 * 205 / 206)


def test_no_bar_before_the_open(sandbox, clients):
    sandbox.set_clock("2024-03-12T13:29:59Z")
    rows = clients.history("AAA", **WINDOW)
    # yfinance makes a row without prices of the dividend that is known already.
    assert rows["2024-03-12"]["Dividends"] == 0.5
    assert column(rows, "Close") == [100, 102, 103, None]
    sandbox.set_clock("2024-03-12T13:30:00Z")
    assert clients.history("AAA", **WINDOW)["2024-03-12"]["Close"] == 102.5


@pytest.mark.parametrize(
    ("clock", "close"),
    [("2024-11-29T17:59:59Z", None), ("2024-11-29T18:00:00Z", 203), ("2024-11-29T19:00:00Z", 203)],
)
def test_a_half_day_ends_at_one(sandbox, clients, clock, close):
    sandbox.set_clock(clock)
    bar = clients.history("EEE", **WINDOW)["2024-11-29"]
    assert (bar["Close"] == 203) == (close == 203)


def test_an_etf_has_capital_gains(sandbox, clients):
    sandbox.set_clock("2024-12-02T23:00:00Z")
    rows = clients.history("EEE", **WINDOW)
    assert column(rows, "Capital Gains") == [0, 0, 2.03]
    assert column(rows, "Dividends") == [0, 1, 0]
    assert column(rows, "Close") == [201, 203, 204]
    # 2.03 on a close of 203 keeps 99/100, 1.00 on 201 keeps 200/201.
    expected = [201 * 200 / 201 * 0.99, 203 * 0.99, 204]
    assert column(rows, "Adj Close") == pytest.approx(expected, rel=1e-12)


def test_an_index_keeps_the_time_of_chicago(clients):
    rows = clients.history("^VIX", **WINDOW)
    assert column(rows, "Close") == [15.5, 14]
    meta = clients.chart("^VIX", range="1d")["result"][0]["meta"]
    assert (meta["instrumentType"], meta["exchangeTimezoneName"]) == ("INDEX", "America/Chicago")
