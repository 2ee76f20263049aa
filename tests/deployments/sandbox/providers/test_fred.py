"""FRED's stand-in as fredapi and httpx read it."""

import json

import pytest

KEY = "a" * 32
API = "https://api.stlouisfed.org/fred/"
ALL = {"realtime_start": "1776-07-04", "realtime_end": "9999-12-31"}


def ask(clients, path, **params):
    reply = clients.get(API + path, params={"api_key": KEY, "file_type": "json"} | params)
    return json.loads(reply["body"])


def rows(clients, **params):
    found = ask(clients, "series/observations", series_id="CPI", **params)["observations"]
    return [
        tuple(row[name] for name in ("date", "value", "realtime_start", "realtime_end"))
        for row in found
    ]


def test_the_newest_values_at_the_clock(sandbox, clients):
    values = {"2023-11-01": 307.1, "2023-12-01": None, "2024-01-01": 309.7, "2024-02-01": 311}
    assert clients.fred("get_series", "CPI") == values
    sandbox.set_clock("2024-03-11T23:00:00Z")
    values = {"2023-11-01": 307.1, "2023-12-01": None, "2024-01-01": 309.685}
    assert clients.fred("get_series", "CPI") == values


def test_a_day_begins_in_st_louis(sandbox, clients):
    sandbox.set_clock("2024-03-12T04:59:00Z")  # 23:59 on the 11th
    assert "2024-02-01" not in clients.fred("get_series", "CPI")
    sandbox.set_clock("2024-03-12T05:00:00Z")
    assert "2024-02-01" in clients.fred("get_series", "CPI")


def test_rows_are_clipped_to_the_window_asked_for(clients):
    today = "2024-03-12"
    assert rows(clients) == [
        ("2023-11-01", "307.1", today, today),
        ("2023-12-01", ".", today, today),
        ("2024-01-01", "309.7", today, today),
        ("2024-02-01", "311", today, today),
    ]
    assert rows(clients, realtime_start="2024-02-20", realtime_end="2024-03-31") == [
        ("2023-11-01", "307.1", "2024-02-20", "2024-03-31"),
        ("2023-12-01", ".", "2024-02-20", "2024-03-31"),
        ("2024-01-01", "309.685", "2024-02-20", "2024-03-11"),
        ("2024-01-01", "309.7", "2024-03-12", "2024-03-31"),
        ("2024-02-01", "311", "2024-03-12", "2024-03-31"),
    ]


def test_a_row_superseded_after_the_clock_is_open(sandbox, clients):
    january = [row for row in rows(clients, **ALL) if row[0] == "2024-01-01"]
    assert january == [
        ("2024-01-01", "309.685", "2024-02-13", "2024-03-11"),
        ("2024-01-01", "309.7", "2024-03-12", "9999-12-31"),
    ]
    sandbox.set_clock("2024-03-11T23:00:00Z")
    january = [row for row in rows(clients, **ALL) if row[0] == "2024-01-01"]
    assert january == [("2024-01-01", "309.685", "2024-02-13", "9999-12-31")]


def test_all_releases_through_fredapi(clients):
    releases = clients.fred("get_series_all_releases", "CPI")
    assert ["2024-02-13 00:00:00", "2024-01-01 00:00:00", "309.685"] in releases
    assert len(releases) == 5


def test_the_first_releases(clients):
    # Those up to the newest month of the first vintage are older than the archive.
    assert rows(clients, output_type="4", realtime_start="1776-07-04") == [
        ("2023-12-01", ".", "2024-01-11", "9999-12-31"),
        ("2024-01-01", "309.685", "2024-02-13", "2024-03-11"),
        ("2024-02-01", "311", "2024-03-12", "9999-12-31"),
    ]


def test_vintage_dates(sandbox, clients):
    assert rows(clients, vintage_dates="2024-02-20")[-1] == (
        "2024-01-01",
        "309.685",
        "2024-02-20",
        "2024-02-20",
    )
    dates = ["2023-12-12", "2024-01-11", "2024-02-13", "2024-03-12"]
    assert ask(clients, "series/vintagedates", series_id="CPI")["vintage_dates"] == dates
    found = clients.fred("get_series_vintage_dates", "CPI")
    assert found == [f"{day} 00:00:00" for day in dates]


def test_observation_window_limit_offset_and_order(clients):
    chosen = rows(clients, observation_start="2023-12-01", observation_end="2024-01-31")
    assert [row[0] for row in chosen] == ["2023-12-01", "2024-01-01"]
    page = ask(
        clients, "series/observations", series_id="CPI", sort_order="desc", limit=2, offset=1
    )
    assert [row["date"] for row in page["observations"]] == ["2024-01-01", "2023-12-01"]
    facts = {name: page[name] for name in ("count", "offset", "limit", "sort_order")}
    assert facts == {"count": 4, "offset": 1, "limit": 2, "sort_order": "desc"}


def test_more_vintages_than_allowed(clients):
    reply = clients.fred("get_series_all_releases", "DAILY")
    assert reply["text"] == (
        "Bad Request.  There are 2001 vintage dates in the specified real-time period: "
        "1776-07-04 to 9999-12-31.  This exceeds the maximum number of vintage dates allowed "
        "(2000)."
    )
    window = {"realtime_start": "2018-01-02", "realtime_end": "9999-12-31"}
    assert len(clients.fred("get_series_all_releases", "DAILY", **window)) == 2001


def test_the_xml_is_freds(clients):
    reply = clients.get(f"{API}series/observations?series_id=CPI&limit=1&api_key={KEY}")
    assert reply["headers"]["content-type"] == "text/xml; charset=UTF-8"
    assert reply["body"].decode() == (
        '<?xml version="1.0" encoding="utf-8" ?>\n'
        '<observations realtime_start="2024-03-12" realtime_end="2024-03-12" '
        'observation_start="1600-01-01" observation_end="9999-12-31" units="lin" output_type="1" '
        'file_type="xml" order_by="observation_date" sort_order="asc" count="4" offset="0" '
        'limit="1">\n'
        '  <observation realtime_start="2024-03-12" realtime_end="2024-03-12" date="2023-11-01" '
        'value="307.1"/>\n'
        "</observations>\n"
    )


def test_the_facts_of_a_series(clients):
    facts = clients.fred("get_series_info", "CPI")
    assert (facts["title"], facts["frequency_short"]) == ('Prices & "wages"', "M")
    assert facts["seasonal_adjustment"] == "Seasonally Adjusted"
    assert (facts["observation_start"], facts["observation_end"]) == ("2023-11-01", "2024-02-01")
    assert facts["last_updated"] == "2024-03-12 07:45:00-06"


def test_release_dates(clients):
    assert ask(clients, "series/release", series_id="CPI")["releases"][0]["id"] == 10
    dates = [{"release_id": 10, "date": "2024-02-13"}, {"release_id": 10, "date": "2024-03-12"}]
    assert ask(clients, "release/dates", release_id=10)["release_dates"] == dates
    scheduled = ask(
        clients, "release/dates", release_id=10, include_release_dates_with_no_data="true"
    )
    assert scheduled["release_dates"][-1] == {"release_id": 10, "date": "2024-04-10"}
    xml = clients.get(f"{API}release/dates?release_id=10&limit=1&api_key={KEY}")["body"].decode()
    assert '<release_date release_id="10">2024-02-13</release_date>' in xml


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("f" * 32, "is not registered"),
        ("A" * 32, "is not a 32 character alpha-numeric lower-case string"),
        ("a" * 31, "is not a 32 character alpha-numeric lower-case string"),
        ("", "has not been set"),
    ],
)
def test_bad_keys(clients, key, message):
    reply = clients.fred("get_series", "CPI", key=key)
    assert reply["error"] == "ValueError"
    assert message in reply["text"]
    assert "api_key.html for more information." in reply["text"]


def test_unknown_series(clients):
    reply = clients.fred("get_series", "NOPE")
    assert reply["text"] == "Bad Request.  The series does not exist."
    assert ask(clients, "series", series_id="NOPE") == {
        "error_code": 400,
        "error_message": "Bad Request.  The series does not exist.",
    }


@pytest.mark.parametrize(
    "params", [{"units": "pc1"}, {"frequency": "a"}, {"realtime_start": "soon"}, {"limit": "0"}]
)
def test_what_is_not_replayed_is_refused(clients, params):
    assert ask(clients, "series/observations", series_id="CPI", **params)["error_code"] == 400


def test_the_graph_needs_no_key(sandbox, clients):
    url = "https://fred.stlouisfed.org/graph/fredgraph.csv"
    text = "observation_date,CPI\n2023-11-01,307.1\n2023-12-01,\n2024-01-01,309.7\n2024-02-01,311\n"
    assert clients.get(f"{url}?id=CPI")["body"].decode() == text
    assert (
        clients.get(f"{url}?id=CPI&cosd=2024-02-01")["body"]
        .decode()
        .endswith("CPI\n2024-02-01,311\n")
    )
    assert "309.685" in clients.get(f"{url}?id=CPI&vintage_date=2024-02-20")["body"].decode()
    assert clients.get(f"{url}?id=NOPE")["status"] == 404


def test_keys_are_not_in_the_log(sandbox, clients):
    clients.fred("get_series", "CPI")
    assert sandbox.requests()[-1]["query"] == "series_id=CPI&api_key=REDACTED"
