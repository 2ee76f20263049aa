"""Test the parser of Form N-PORT and of a trust's list, with real documents if a folder exists."""

import os
from datetime import date
from pathlib import Path

import pytest

from tasks.extract.sec.errors import SecParseError
from tasks.extract.sec.parse_nport import find_series_id, parse_nport, parse_submissions

TAPES = os.environ.get("ROTATION_TEST_TAPES", "")
REPORTS = Path(TAPES).parent / "payloads" / "nport"
needs_reports = pytest.mark.skipif(
    not TAPES or not REPORTS.is_dir(),
    reason="ROTATION_TEST_TAPES is unset, or no folder payloads/nport lies beside the tapes",
)
DOCUMENT = """
<?xml version="1.0" encoding="UTF-8"?>
<edgarSubmission xmlns="http://www.sec.gov/edgar/nport"><formData>
<genInfo><seriesId>S000004344</seriesId><repPdDate>2023-12-31</repPdDate></genInfo>
<invstOrSecs>
<invstOrSec><name>Moog Inc</name><lei>N/A</lei><title>Moog Inc Class A</title>
<cusip>615394202</cusip>
<identifiers><isin value="US6153942023"/><ticker value="MOG/A"/></identifiers>
<balance>1000</balance><units>NS</units><curCd>USD</curCd><valUSD>144780.00</valUSD>
<pctVal>0.25</pctVal><payoffProfile>Long</payoffProfile><assetCat>EC</assetCat></invstOrSec>
<invstOrSec><name>Right &amp; Co</name><title>Right</title><cusip>000000000</cusip>
<identifiers><other otherDesc="Internal" value="1"/></identifiers>
<balance>XXXX</balance><units>NS</units><valUSD>1</valUSD><pctVal>0</pctVal>
<payoffProfile>Long</payoffProfile><assetCat>EC</assetCat></invstOrSec>
</invstOrSecs></formData></edgarSubmission>"""


@needs_reports
@pytest.mark.parametrize(
    ("name", "series", "day", "positions", "weight"),
    [
        # counted and added up with grep and awk
        ("bond_fund_2022-12-31", "S000012000", date(2022, 12, 31), 55, 97.8358),
        ("target_fund_2022-12-30", "S000030880", date(2022, 12, 30), 0, 0),
    ],
)
def test_real_document(name: str, series: str, day: date, positions: int, weight: float) -> None:
    content = (REPORTS / f"primary_doc_{name}.xml").read_bytes()
    report = parse_nport(content)
    assert (report.series_id, report.report_date) == (series, day)
    assert find_series_id(content[:4096]) == series
    assert len(report.positions) == positions
    assert report.positions["weight_pct_filed"].sum() == pytest.approx(weight, abs=1e-4)


def test_positions_have_the_stated_identifiers() -> None:
    moog, right = parse_nport(DOCUMENT.encode()).positions.to_dict("records")
    assert (moog["cusip"], moog["isin"], moog["ticker"]) == ("615394202", "US6153942023", "MOG/A")
    assert (moog["balance"], moog["market_value_usd"]) == (1000, 144780)
    # zeros and N/A stand for identifiers that do not exist
    assert right["name"] == "Right & Co"
    assert [right[column] != right[column] for column in ("cusip", "isin", "lei", "balance")] == [
        True
    ] * 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no complete XML"),
        (DOCUMENT[: len(DOCUMENT) // 2], "no complete XML"),
        ("<!DOCTYPE html><html><body>Busy</body></html>", "declares a document type"),
        ("<html><body>Busy</body></html>", "no formData"),
        (DOCUMENT.replace(">1000<", ">many<"), "unreadable"),
        (DOCUMENT.replace("S000004344", ""), "seriesId"),
        (
            '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
            "declares a document type",
        ),
    ],
)
def test_unusable_document_is_refused(content: str, message: str) -> None:
    with pytest.raises(SecParseError, match=message):
        parse_nport(content.encode())


def test_list_keeps_public_reports_and_names_older_pages() -> None:
    columns = {
        "accessionNumber": ["0001-24-2", "0001-24-1", "0001-23-9"],
        "form": ["NPORT-P/A", "NPORT-P", "N-CEN"],
        "filingDate": ["2024-03-15", "2024-02-28", "2023-12-01"],
        "reportDate": ["2023-12-31", "2023-12-31", ""],
    }
    older = {"name": "CIK0001100663-submissions-001.json", "filingTo": "2023-01-01"}
    listed = {"filings": {"recent": columns, "files": [older | {"filingCount": 9}]}}
    filings, pages = parse_submissions(listed)
    assert filings["accession_number"].to_list() == ["0001-24-2", "0001-24-1"]
    assert pages == [older]
    # an older page has the columns alone
    assert len(parse_submissions(columns)[0]) == 2
    with pytest.raises(SecParseError):
        parse_submissions({"filings": {"recent": {}, "files": []}})
