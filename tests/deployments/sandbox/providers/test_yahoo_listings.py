"""Which symbols Yahoo knows, and the bad rows it shows."""

import pytest

WINDOW = {"start": "2024-03-01", "end": "2025-01-01"}
NOT_FOUND = {"code": "Not Found", "description": "No data found, symbol may be delisted"}


def closes(rows):
    return {day: row["Close"] for day, row in rows.items()}


def test_an_unknown_ticker(clients):
    assert clients.chart("NOPE", range="1d") == {"result": None, "error": NOT_FOUND}
    for _ in range(3):  # of the first two yfinance asks more routes
        reply = clients.history("NOPE", **WINDOW)
    assert reply["error"] == "YFTzMissingError"


def test_the_routes_that_yfinance_falls_back_on(clients):
    base = "https://query1.finance.yahoo.com"
    assert (
        clients.get(f"{base}/v10/finance/quoteSummary/NOPE?modules=assetProfile")["status"] == 404
    )
    quote = clients.get(f"{base}/v7/finance/quote?symbols=NOPE")
    assert quote["body"] == b'{"quoteResponse":{"result":[],"error":null}}'
    path = "/ws/fundamentals-timeseries/v1/finance/timeseries/NOPE?type=trailingPegRatio"
    assert clients.get(base + path)["body"] == (
        b'{"timeseries":{"result":[{"meta":{"symbol":["NOPE"],"type":["trailingPegRatio"]}}],'
        b'"error":null}}'
    )


def test_a_delisted_ticker_keeps_its_bars(clients):
    assert closes(clients.history("DEAD", **WINDOW)) == {"2024-03-07": 5, "2024-03-08": 6}


def test_a_delisted_ticker_has_nothing_since(clients):
    reply = clients.history("DEAD", start="2024-03-11", end="2024-04-01")
    assert reply["error"] == "YFPricesMissingError"
    assert "No data found, symbol may be delisted" in reply["text"]


def test_a_window_without_bars_of_a_listed_ticker(sandbox, clients):
    chart = clients.chart("BBB", period1=1704000000, period2=1704100000)
    text = "Data doesn't exist for startDate = 1704000000, endDate = 1704100000"
    assert chart["error"] == {"code": "Bad Request", "description": text}
    assert sandbox.requests()[-1]["status"] == 400


def test_a_ticker_is_unknown_before_its_first_session(sandbox, clients):
    assert clients.chart("LATE", range="1d")["error"] == NOT_FOUND
    sandbox.set_clock("2024-12-02T23:00:00Z")
    assert closes(clients.history("LATE", **WINDOW)) == {"2024-12-02": 20.5}


def test_a_rename_moves_the_history_to_the_new_symbol(sandbox, clients):
    before = {"2024-03-07": 10.5, "2024-03-08": 11}
    sandbox.set_clock("2024-03-08T23:00:00Z")
    assert closes(clients.history("OLD", **WINDOW)) == before
    assert clients.chart("NEW", range="1d")["error"] == NOT_FOUND
    sandbox.set_clock("2024-03-12T23:00:00Z")
    after = before | {"2024-03-11": 12.5, "2024-03-12": 12}
    assert closes(clients.history("NEW", **WINDOW)) == after
    assert clients.chart("OLD", range="1d")["error"] == NOT_FOUND


def test_a_symbol_used_again_shows_the_later_company_alone(sandbox, clients):
    assert closes(clients.history("TWICE", **WINDOW)) == {"2024-03-07": 3, "2024-03-08": 4}
    sandbox.set_clock("2024-11-29T23:00:00Z")
    assert closes(clients.history("TWICE", **WINDOW)) == {"2024-11-29": 72}


def test_a_defect_is_shown_while_it_is_visible(sandbox, clients):
    def shown(clock):
        sandbox.set_clock(clock)
        chart = clients.chart("BBB", period1=0, period2=1735700000)["result"][0]
        quote = chart["indicators"]["quote"][0]
        return chart["timestamp"], quote["close"], quote["volume"]

    # The row that the split forgot stays as traded; the others are ten times dearer.
    stamps, close, volume = shown("2024-03-12T20:30:00Z")
    assert stamps == [1709821800, 1709908200, 1710163800, 1710250200]
    assert close == pytest.approx([1.1, 12, 13, 13.5])
    assert volume == [50000, 6000, 7000, 8000]
    # A row of Saturday the 9th comes, and a null in place of the 11th.
    stamps, close, volume = shown("2024-03-12T22:00:00Z")
    assert stamps == [1709821800, 1709908200, 1709994600, 1710163800, 1710250200]
    assert close.pop(3) is None
    assert close == pytest.approx([1.1, 12, 12.5, 13.5])
    assert volume == [50000, 6000, 0, None, 8000]
    assert shown("2024-03-12T23:30:00Z")[1][3] == pytest.approx(13)
    # A row of the 20th, eight days ahead.
    stamps, close, _ = shown("2024-03-12T23:45:00Z")
    assert (stamps[-1], close[-1]) == (1710941400, 9)
    meta = clients.chart("BBB", range="max")["result"][0]["meta"]
    assert meta["regularMarketPrice"] == 13.5


def test_yfinance_drops_a_null_row(clients):
    assert "2024-03-11" not in clients.history("BBB", **WINDOW)


def test_symbols_are_spelt_as_yahoo_spells_them(clients):
    assert clients.chart("aaa", range="1d")["result"][0]["meta"]["symbol"] == "AAA"
    assert clients.chart("AAA.B", range="1d")["error"] == NOT_FOUND


def test_intervals_that_are_not_replayed_are_refused(clients):
    assert (
        clients.chart("AAA", range="1mo", interval="1wk")["error"]["code"] == "Unprocessable Entity"
    )
    assert clients.chart("AAA", range="soon")["error"]["code"] == "Unprocessable Entity"


def test_cookie_and_crumb(clients):
    page = clients.get("https://fc.yahoo.com/")
    cookie = page["headers"]["set-cookie"]
    assert page["status"] == 404
    assert cookie.startswith("A3=")
    for part in ("Expires=", "Domain=.yahoo.com", "Path=/", "Secure", "HttpOnly"):
        assert part in cookie
    url = "https://query1.finance.yahoo.com/v1/test/getcrumb"
    refused = clients.get(url)
    assert (refused["status"], b"Invalid Cookie" in refused["body"]) == (401, True)
    granted = clients.get(url, headers={"Cookie": cookie.partition(";")[0]})
    assert (granted["status"], granted["body"]) == (200, b"Sb0xCrumb.1")
