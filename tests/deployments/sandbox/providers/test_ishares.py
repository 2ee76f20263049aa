"""The holdings files of iShares and BlackRock."""

import pytest

ISHARES = "https://www.ishares.com/us/products/{0}/fund/"
BLACKROCK = "https://www.blackrock.com/varnish-api/blk-one01-product-data/product-data/api/v1/"
FORMS = (
    ISHARES + "latest-holdings.csv?",
    ISHARES + "1467271812596.ajax?fileType=csv&fileName=IWM_holdings&dataType=fund",
    BLACKROCK + "get-fund-document?appType=PRODUCT_PAGE&portfolioId={0}&component=holdings",
)
SENTINEL = 'Fund Holdings as of,"-"'


def fetch(clients, form, day=None, product=239710):
    return clients.get(form.format(product) + (f"&asOfDate={day}" if day else ""))


@pytest.mark.parametrize("form", FORMS)
def test_the_newest_file_before_the_clock_byte_for_byte(tiny_tape, clients, form):
    reply = fetch(clients, form)
    assert reply["status"] == 200
    assert reply["body"] == (tiny_tape / "holdings" / "IWM" / "2024-03-11.csv").read_bytes()
    assert reply["body"].startswith(b"\xef\xbb\xbf")


def test_the_day_of_the_file_has_to_be_over(sandbox, clients):
    sandbox.set_clock("2024-03-13T03:59:00Z")  # still the 12th in New York
    assert "2024-03-11" in fetch(clients, FORMS[0])["body"].decode()
    sandbox.set_clock("2024-03-13T04:00:00Z")
    assert "2024-03-12" in fetch(clients, FORMS[0])["body"].decode()


@pytest.mark.parametrize("form", FORMS)
def test_a_day_asked_for(clients, form):
    assert "2024-03-08" in fetch(clients, form, "20240308")["body"].decode()


@pytest.mark.parametrize("day", ["20240309", "20240312", "20300101", "soon"])
def test_a_day_without_a_file_is_told_by_a_dash(clients, day):
    reply = fetch(clients, FORMS[2], day)
    lines = reply["body"].decode("utf-8-sig").splitlines()
    assert reply["status"] == 200
    assert lines[:2] == ["iShares Russell 2000 ETF", SENTINEL]
    assert lines[9].startswith("Ticker,Name,Sector,Asset Class,")
    assert lines[10] == "\u00a0"


def test_a_fund_that_the_tape_lacks(clients):
    for product in (239726, 239774, 239763):
        assert SENTINEL in fetch(clients, FORMS[0], product=product)["body"].decode()
    assert fetch(clients, FORMS[0], product=1)["status"] == 404
