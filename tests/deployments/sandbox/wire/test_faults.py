"""Scripted faults, and what the real clients make of them."""

import pytest

CHART = {"host": r"query2\.finance\.yahoo\.com", "path": "/chart/AAA", "query": "period1="}
# An end in the future: yfinance keeps the replies to older windows.
WINDOW = {"start": "2024-03-01", "end": "2100-01-01"}
FRED = {"host": "api.stlouisfed.org"}


@pytest.fixture(autouse=True)
def known_zone(clients):
    """The time zone is in yfinance's cache, so that each call asks for one chart."""
    clients.history("AAA", **WINDOW)


def served(sandbox):
    """Status and fault of the chart requests that carry a window."""
    log = [entry for entry in sandbox.requests() if "period1=" in entry["query"]]
    return [(entry["status"], entry["fault"]) for entry in log]


def test_yfinance_absorbs_one_429(sandbox, clients):
    sandbox.clear_requests()
    sandbox.add_fault("status", **CHART, status=429)
    assert len(clients.history("AAA", **WINDOW)) == 4
    assert served(sandbox) == [(429, "status"), (200, None)]


def test_yfinance_gives_up_after_two(sandbox, clients):
    sandbox.clear_requests()
    sandbox.add_fault("status", **CHART, status=429, count=2)
    assert clients.history("AAA", **WINDOW)["error"] == "YFRateLimitError"
    assert served(sandbox) == [(429, "status"), (429, "status")]
    assert len(clients.history("AAA", **WINDOW)) == 4


@pytest.mark.parametrize("status", [403, 500, 503])
def test_error_pages_reach_yfinance_as_bad_json(sandbox, clients, status):
    sandbox.add_fault("status", **CHART, status=status, count=2)
    assert clients.history("AAA", **WINDOW)["error"] == "JSONDecodeError"


def test_html_in_place_of_json(sandbox, clients):
    sandbox.add_fault("html_200", **CHART)
    reply = clients.history("AAA", **WINDOW)
    assert (reply["error"], "DOWN" in reply["text"]) == ("YFDataException", True)
    sandbox.add_fault("html_200", **CHART, body="Sign in")
    assert clients.history("AAA", **WINDOW)["error"] == "JSONDecodeError"


@pytest.mark.parametrize("options", [{}, {"bytes": 300}])
def test_a_truncated_body_is_well_framed(sandbox, clients, options):
    sandbox.add_fault("truncate", **CHART, **options)
    assert clients.history("AAA", **WINDOW)["error"] == "JSONDecodeError"


def test_a_reset_ends_the_request_halfway(sandbox, clients):
    sandbox.add_fault("reset", **CHART)
    assert clients.history("AAA", **WINDOW)["error"] in ("ConnectionError", "IncompleteRead")
    assert clients.get("https://fc.yahoo.com/")["status"] == 404


def test_a_hang_lasts_beyond_the_time_limit(sandbox, clients):
    sandbox.add_fault("hang", **CHART, seconds=600)
    assert clients.history("AAA", **WINDOW, timeout=0.5)["error"] == "Timeout"
    sandbox.add_fault("hang", **CHART, seconds=0.2)
    assert len(clients.history("AAA", **WINDOW)) == 4


def test_an_empty_chart_keeps_its_meta(sandbox, clients):
    sandbox.add_fault("empty", path="/chart/AAA", count=2)
    result = clients.chart("AAA", range="5d")["result"][0]
    assert result.keys() == {"meta", "indicators"}
    assert result["indicators"] == {"quote": [{}], "adjclose": [{}]}
    assert clients.history("AAA", **WINDOW)["error"] == "YFPricesMissingError"


def test_null_rows_are_the_newest(sandbox, clients):
    sandbox.add_fault("null_rows", path="/chart/AAA", rows=2)
    quote = clients.chart("AAA", range="5d")["result"][0]["indicators"]["quote"][0]
    assert quote["close"] == [100, 102, None, None]
    assert quote["volume"] == [4000, 4400, None, None]
    sandbox.add_fault("null_rows", **CHART)
    # yfinance drops null rows, but for those of a split or dividend.
    rows = clients.history("AAA", **WINDOW)
    assert [(day, row["Close"]) for day, row in rows.items()] == [
        ("2024-03-08", None),
        ("2024-03-11", None),
        ("2024-03-12", None),
    ]


def test_the_consent_page_leads_back_to_the_chart(sandbox, clients):
    sandbox.clear_requests()
    sandbox.add_fault("consent", **CHART)
    assert len(clients.history("AAA", **WINDOW)) == 4
    hosts = [(entry["method"], entry["host"]) for entry in sandbox.requests()]
    assert ("POST", "consent.yahoo.com") in hosts


def test_faults_befall_only_what_they_name_and_in_their_order(sandbox, clients):
    sandbox.add_fault("status", path="/chart/BBB", status=500)
    sandbox.add_fault("status", path="/chart", status=503)
    url = "https://query2.finance.yahoo.com/v8/finance/chart/"
    statuses = [clients.get(url + ticker)["status"] for ticker in ("AAA", "BBB", "BBB")]
    assert statuses == [503, 500, 200]


def test_a_fault_without_a_count_lasts_until_cleared(sandbox, clients):
    sandbox.add_fault("status", path="/fred/series$", status=423, count=None)
    url = "https://api.stlouisfed.org/fred/series?series_id=CPI&api_key=" + "a" * 32
    assert [clients.get(url)["status"] for _ in range(3)] == [423] * 3
    sandbox.clear_faults()
    assert clients.get(url)["status"] == 200


def test_a_status_may_bring_its_own_body_and_headers(sandbox, clients):
    sandbox.add_fault("status", status=429, body="slow down", headers={"Retry-After": "7"})
    reply = clients.get("https://www.ishares.com/")
    assert (reply["status"], reply["body"]) == (429, b"slow down")
    assert reply["headers"]["retry-after"] == "7"


@pytest.mark.parametrize(
    ("kind", "options", "error"),
    [
        ("status", {"status": 429}, "ValueError"),  # with FRED's words
        ("status", {"status": 403}, "ValueError"),  # of a page, without words
        ("status", {"status": 503}, "ParseError"),
        ("html_200", {}, "TypeError"),
        ("truncate", {"bytes": 200}, "ParseError"),
        ("empty", {}, "ParseError"),
        ("reset", {}, ("ConnectionResetError", "IncompleteRead")),
    ],
)
def test_fredapi_under_faults(sandbox, clients, kind, options, error):
    sandbox.add_fault(kind, **FRED, **options)
    reply = clients.fred("get_series", "CPI")
    assert reply["error"] in error
    if options.get("status") == 429:
        assert reply["text"] == "Too Many Requests.  Exceeded Rate Limit"
