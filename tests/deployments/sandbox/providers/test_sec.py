"""The SEC, asked by httpx through the proxy."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from deployments.sandbox.providers.messages import Request
from deployments.sandbox.providers.sec.routes import Sec
from deployments.sandbox.tape.tape import load_tape
from tasks.extract.sec.parse import parse_index
from tests.deployments.sandbox.filings import COMPANIES, LADDER

AGENT = "Sample Company research@example.com"
DATA = "https://data.sec.gov"
WEB = "https://www.sec.gov"
FACTS = DATA + "/api/xbrl/companyfacts/CIK{:010d}.json"
CONCEPT = DATA + "/api/xbrl/companyconcept/CIK{:010d}/us-gaap/{}.json"
SUBMISSIONS = DATA + "/submissions/CIK{:010d}.json"
DAILY = WEB + "/Archives/edgar/daily-index/2024/QTR{}/{}"
BULK = WEB + "/Archives/edgar/daily-index/xbrl/companyfacts.zip"


def fetch(clients, url, agent=AGENT, **headers):
    return clients.get(url, headers={"User-Agent": agent} | headers)


def read(clients, url):
    reply = fetch(clients, url)
    assert reply["status"] == 200
    return json.loads(reply["body"])


def is_missing_key(reply):
    kind = reply["headers"]["content-type"]
    return (reply["status"], kind) == (404, "application/xml") and b"NoSuchKey" in reply["body"]


def test_facts_are_those_filed_by_the_day_in_new_york(sandbox, clients):
    sandbox.set_clock("2024-03-12T03:59:00Z")  # still the 11th in New York
    before = read(clients, FACTS.format(11))
    assert [fact["val"] for fact in interest(before)] == [7, 30]
    sandbox.set_clock("2024-03-12T04:00:00Z")
    assert read(clients, FACTS.format(11)) == COMPANIES[11]
    sandbox.set_clock("2024-03-07T23:00:00Z")
    early = read(clients, FACTS.format(11))
    assert list(early["facts"]) == ["us-gaap"]
    assert list(early["facts"]["us-gaap"]) == ["InterestExpense"]


def interest(content):
    return content["facts"]["us-gaap"]["InterestExpense"]["units"]["USD"]


def frames(clients):
    facts = interest(read(clients, FACTS.format(11)))
    return [(fact["val"], fact.get("frame")) for fact in facts]


def test_a_frame_belongs_to_the_last_fact_of_its_period_so_far(sandbox, clients):
    sandbox.set_clock("2024-03-11T23:00:00Z")
    assert frames(clients) == [(7, "CY2023Q3"), (30, "CY2023")]
    sandbox.set_clock("2024-03-12T23:00:00Z")
    assert frames(clients) == [(7, "CY2023Q3"), (30, None), (31, "CY2023")]


@pytest.mark.parametrize(
    "path",
    [
        "/api/xbrl/companyfacts/CIK0000000022.json",
        "/api/xbrl/companyfacts/CIK0000000099.json",
        "/api/xbrl/companyfacts/CIK11.json",
        "/api/xbrl/companyconcept/CIK0000000011/us-gaap/LongTermDebt.json",
        "/submissions/CIK0000000022.json",
        "/submissions/CIK0000000099.json",
    ],
)
def test_what_was_never_filed_is_a_missing_key(clients, path):
    assert is_missing_key(fetch(clients, DATA + path))


def test_the_other_host_has_none_of_it(clients):
    assert is_missing_key(fetch(clients, FACTS.format(11).replace(DATA, WEB)))


def test_one_concept(clients):
    content = read(clients, CONCEPT.format(11, LADDER))
    about = COMPANIES[11]["facts"]["us-gaap"][LADDER]
    head = {"cik": 11, "taxonomy": "us-gaap", "tag": LADDER, "entityName": "ALPHA CORP"}
    assert content == head | about


def test_submissions_are_gathered_from_the_facts(clients):
    content = read(clients, SUBMISSIONS.format(11))
    assert (content["cik"], content["name"], content["sic"]) == ("0000000011", "ALPHA CORP", "")
    assert (content["tickers"], content["exchanges"]) == (["AAA", "AAA-PB"], ["Nasdaq", None])
    assert content["fiscalYearEnd"] == "1231"
    recent = content["filings"]["recent"]
    assert recent["form"] == ["10-K/A", "10-K", "10-Q"]
    assert recent["filingDate"] == ["2024-03-12", "2024-03-08", "2023-11-03"]
    # the cover's count of shares, of February, does not make a report of February
    assert recent["reportDate"] == ["2023-12-31", "2023-12-31", "2023-09-30"]
    assert recent["accessionNumber"][2] == "0000000011-23-000004"
    assert len({len(values) for values in recent.values()}) == 1
    assert content["filings"]["files"] == []


def test_submissions_end_with_the_day(sandbox, clients):
    sandbox.set_clock("2024-03-11T23:00:00Z")
    assert read(clients, SUBMISSIONS.format(11))["filings"]["recent"]["form"] == ["10-K", "10-Q"]


def test_submissions_of_the_tape_go_before_those_gathered(sandbox, clients):
    sandbox.set_clock("2024-05-06T23:00:00Z")
    content = read(clients, SUBMISSIONS.format(22))
    assert (content["sic"], content["fiscalYearEnd"]) == ("6021", "0630")
    assert content["filings"]["recent"]["form"] == ["10-Q"]
    assert content["tickers"] == ["NEW"]


def test_symbols_of_the_day(sandbox, clients):
    sandbox.set_clock("2024-03-08T23:00:00Z")
    assert read(clients, WEB + "/files/company_tickers.json")["2"]["ticker"] == "OLD"
    sandbox.set_clock("2024-03-11T23:00:00Z")
    classic = read(clients, WEB + "/files/company_tickers.json")
    assert classic["2"] == {"cik_str": 22, "ticker": "NEW", "title": "Bêta Inc"}
    table = read(clients, WEB + "/files/company_tickers_exchange.json")
    assert table["fields"] == ["cik", "name", "ticker", "exchange"]
    assert table["data"] == [
        [11, "Alpha Corp", "AAA", "Nasdaq"],
        [11, "Alpha Corp", "AAA-PB", None],
        [22, "Bêta Inc", "NEW", None],
    ]


def test_a_day_has_its_index_in_the_evening(sandbox, clients):
    url = DAILY.format(1, "form.20240312.idx")
    sandbox.set_clock("2024-03-13T01:59:00Z")
    assert fetch(clients, url)["status"] == 403
    sandbox.set_clock("2024-03-13T02:00:00Z")  # 22:00 in New York
    lines = fetch(clients, url)["body"].decode("latin-1").splitlines()
    assert "Daily Index of EDGAR Dissemination Feed by Form Type" in lines[0]
    rule = next(at for at, line in enumerate(lines) if line.startswith("---"))
    assert lines[rule + 1 :] == [
        f"{'10-K/A':17}{'ALPHA CORP':62}{'11':12}{'20240312':12}"
        f"{'edgar/data/11/0000000011-24-000002.txt':52}"
    ]


def test_an_open_day_without_a_report_has_an_index_of_others(clients):
    reply = fetch(clients, DAILY.format(1, "form.20240311.idx"))
    assert reply["status"] == 200
    reports = parse_index(reply["body"].decode("latin-1"))
    assert (len(reports), b"8-K " in reply["body"]) == (0, True)


@pytest.mark.parametrize(
    "file",
    [
        # a Sunday, Presidents' Day, a day to come, and days that are none
        *("form.20240310.idx", "form.20240219.idx", "form.20240312.idx"),
        *("form.20240399.idx", "form.20991231.idx"),
    ],
)
def test_a_day_without_an_index_is_denied_as_the_archive_denies(clients, file):
    reply = fetch(clients, DAILY.format(1, file))
    assert (reply["status"], reply["headers"]["content-type"]) == (403, "application/xml")
    assert b"<Code>AccessDenied</Code>" in reply["body"]


def test_a_day_is_in_the_folder_of_its_own_quarter(sandbox, clients):
    assert fetch(clients, DAILY.format(1, "form.20240308.idx"))["status"] == 200
    assert fetch(clients, DAILY.format(2, "form.20240308.idx"))["status"] == 403
    assert fetch(clients, DAILY.format(2, "index.json"))["status"] == 403
    sandbox.set_clock("2024-06-01T00:00:00Z")
    folder = read(clients, DAILY.format(2, "index.json"))["directory"]
    names = [item["name"] for item in folder["item"]]
    # 44 weekdays to the evening of the 31st of May, without Memorial Day
    assert (len(names), names[0], names[-1]) == (43, "form.20240401.idx", "form.20240530.idx")
    name = fetch(clients, DAILY.format(2, "form.20240506.idx"))["body"].decode("latin-1")
    assert "BÊTA INC" in name


def test_the_index_of_a_quarter_writes_days_with_dashes(sandbox, clients):
    sandbox.set_clock("2024-06-01T00:00:00Z")
    reply = fetch(clients, WEB + "/Archives/edgar/full-index/2024/QTR1/form.idx")
    rows = reply["body"].decode("latin-1").split("-\n", 1)[1].splitlines()
    assert [row.split()[-2] for row in rows] == ["2024-03-08", "2024-03-12"]
    assert fetch(clients, WEB + "/Archives/edgar/full-index/2024/QTR3/form.idx")["status"] == 403


def test_the_archive_of_all_companies_is_of_the_night(sandbox, clients):
    def names_and_interest(instant):
        sandbox.set_clock(instant)
        reply = fetch(clients, BULK)
        archive = zipfile.ZipFile(io.BytesIO(reply["body"]))
        contents = {name: json.loads(archive.read(name)) for name in archive.namelist()}
        return reply["headers"]["last-modified"], {n: len(interest(c)) for n, c in contents.items()}

    # built on the 12th at 3 in the morning, without the filing of the 12th
    built, contents = names_and_interest("2024-03-13T06:59:00Z")
    assert built == "Tue, 12 Mar 2024 07:00:00 GMT"
    assert contents == {"CIK0000000011.json": 2}
    built, contents = names_and_interest("2024-03-13T07:00:00Z")
    assert built == "Wed, 13 Mar 2024 07:00:00 GMT"
    assert contents == {"CIK0000000011.json": 3}
    _, contents = names_and_interest("2024-06-01T00:00:00Z")
    assert contents == {"CIK0000000011.json": 3, "CIK0000000022.json": 1}


@pytest.mark.parametrize(
    "agent",
    ["", "python-httpx/0.28.1", "python-requests/2.33 me@example.com", "Mozilla/5.0", "My Company"],
)
@pytest.mark.parametrize("url", [FACTS.format(11), WEB + "/files/company_tickers.json"])
def test_a_client_that_does_not_say_who_it_is_learns_nothing(clients, agent, url):
    reply = fetch(clients, url, agent)
    assert (reply["status"], reply["headers"]["content-type"][:9]) == (403, "text/html")
    assert b"Undeclared Automated Tool" in reply["body"]


def test_bodies_are_packed_for_those_who_take_it(clients):
    packed = fetch(clients, FACTS.format(11), **{"Accept-Encoding": "gzip, deflate"})
    plain = fetch(clients, FACTS.format(11), **{"Accept-Encoding": "identity"})
    assert packed["headers"]["content-encoding"] == "gzip"
    assert "content-encoding" not in plain["headers"]
    assert packed["body"] == plain["body"]
    assert int(packed["headers"]["content-length"]) < int(plain["headers"]["content-length"])


@pytest.mark.parametrize("status", [403, 429])
def test_too_fast_is_told_without_how_long(sandbox, clients, status):
    sandbox.add_fault("status", host=r"data\.sec\.gov", status=status)
    reply = fetch(clients, FACTS.format(11))
    assert (reply["status"], reply["headers"]["content-type"][:9]) == (status, "text/html")
    assert b"<title>SEC.gov | Request Rate Threshold Exceeded" in reply["body"]
    assert "retry-after" not in reply["headers"]
    assert fetch(clients, FACTS.format(11))["status"] == 200


def test_a_block_may_come_as_a_success(sandbox, clients):
    sandbox.add_fault("html_200", host=r"www\.sec\.gov")
    reply = fetch(clients, WEB + "/files/company_tickers.json")
    assert (reply["status"], reply["headers"]["content-type"][:9]) == (200, "text/html")
    assert b"Request Rate Threshold Exceeded" in reply["body"]


def test_other_faults(sandbox, clients):
    sandbox.add_fault("status", host=r"sec\.gov", status=404)
    assert is_missing_key(fetch(clients, FACTS.format(11)))
    sandbox.add_fault("status", host=r"sec\.gov", status=503)
    assert fetch(clients, FACTS.format(11))["status"] == 503
    sandbox.add_fault("truncate", host=r"sec\.gov")
    cut = fetch(clients, FACTS.format(11), **{"Accept-Encoding": "identity"})["body"]
    assert json.dumps(COMPANIES[11], separators=(",", ":")).encode().startswith(cut)
    assert len(cut) > 100
    sandbox.add_fault("hang", host=r"sec\.gov", seconds=600)
    assert clients.get(FACTS.format(11), patience_seconds=0.3)["error"] == "ReadTimeout"
    assert len(sandbox.requests()) == 4


def test_a_tape_without_filings_has_no_symbols_and_no_facts(tmp_path):
    (tmp_path / "tape.toml").write_text(
        'name = "bare"\nkind = "real"\nclock = "2024-03-12T23:00:00Z"\n'
    )
    sec = Sec(load_tape(tmp_path))

    def ask(url):
        _, _, host, path = url.split("/", 3)
        request = Request("GET", host, "/" + path, headers={"user-agent": AGENT})
        return sec.handle(request, datetime(2024, 3, 12, 23, tzinfo=UTC))

    assert ask(WEB + "/files/company_tickers.json").body == b"{}"
    assert json.loads(ask(WEB + "/files/company_tickers_exchange.json").body)["data"] == []
    for url in (FACTS.format(11), SUBMISSIONS.format(11), BULK):
        assert ask(url).status == 404
    assert ask(DAILY.format(1, "form.20240308.idx")).status == 403
