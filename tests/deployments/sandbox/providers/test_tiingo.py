"""Tiingo's daily prices: as traded, with the split and the dividend of each session."""

import json

import pytest

URL = "https://api.tiingo.com/tiingo/daily/"
TOKEN = "7" * 40


def fetch(clients, path, token=TOKEN):
    headers = {"Authorization": f"Token {token}"} if token else {}
    reply = clients.get(URL + path, headers=headers)
    return reply["status"], json.loads(reply["body"])


def column(rows, name):
    return [row[name] for row in rows]


def test_prices_are_as_traded_beside_the_adjusted_ones(clients):
    status, rows = fetch(clients, "aaa/prices?startDate=2024-03-07&endDate=2024-03-12")
    assert status == 200
    assert column(rows, "date")[0] == "2024-03-07T00:00:00.000Z"
    assert column(rows, "close") == [400, 408, 103, 102]
    assert column(rows, "splitFactor") == [1, 1, 4, 1]
    assert column(rows, "divCash") == [0, 2, 0, 0.5]
    assert column(rows, "volume") == [1000, 1100, 4400, 4000]
    # 4 shares for one, 2 USD of 400 and 0.50 of 103
    kept = 1 - 0.5 / 103
    assert column(rows, "adjClose") == pytest.approx([100 * 0.995 * kept, 102 * kept, 102.5, 102])


def test_yahoo_s_defects_are_not_shown(clients):
    _, rows = fetch(clients, "BBB/prices?startDate=2024-03-01")
    assert column(rows, "close") == [1.1, 1.2, 1.3, 13.5]


def test_a_session_is_there_from_half_past_five(sandbox, clients):
    sandbox.set_clock("2024-03-12T21:29:00Z")
    assert column(fetch(clients, "AAA/prices")[1], "close") == [103]
    sandbox.set_clock("2024-03-12T21:30:00Z")
    assert column(fetch(clients, "AAA/prices")[1], "close") == [102]


def test_a_renamed_listing_has_its_former_sessions(clients):
    _, rows = fetch(clients, "NEW/prices?startDate=2024-03-01")
    assert column(rows, "close") == [10.5, 11, 12.5, 12]
    assert fetch(clients, "OLD/prices")[0] == 404


@pytest.mark.parametrize(
    ("path", "token", "expected"),
    [
        ("AAA/prices", "", (401, "Please supply a token")),
        ("AAA/prices", "f" * 40, (401, "Invalid token.")),
        ("AAA/prices", "short", (401, "Invalid token.")),
        ("NONE/prices", TOKEN, (404, "Error: Ticker 'NONE' not found")),
        ("%5EVIX/prices", TOKEN, (404, "Error: Ticker '^VIX' not found")),
        ("AAA", TOKEN, (404, "Not found.")),
        (
            "AAA/prices?startDate=soon",
            TOKEN,
            (400, "Error: Start date format was not correct."),
        ),
    ],
)
def test_refusals(clients, path, token, expected):
    status, content = fetch(clients, path, token)
    assert (status, content["detail"]) == expected


def test_a_period_without_sessions_is_an_empty_list(clients):
    assert fetch(clients, "AAA/prices?startDate=2024-03-09&endDate=2024-03-10") == (200, [])
