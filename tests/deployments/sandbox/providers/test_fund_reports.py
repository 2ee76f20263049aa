"""Test the funds' reports of the sandbox against the SEC's schema and the holdings files."""

import gzip
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from deployments.sandbox.market import simulate
from deployments.sandbox.providers.sec.fund_reports import FundReports, write_document
from deployments.sandbox.tape.tape import load_tape
from tasks.extract.ishares.parse_file import parse_holdings
from tasks.extract.sec.parse_nport import parse_nport

TAPES = os.environ.get("ROTATION_TEST_TAPES", "")
SCHEMAS = Path(TAPES).parent / "payloads" / "nport"
# the SEC's schema imports lists of countries and states that are published apart from it
CODES = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
    targetNamespace="http://www.sec.gov/edgar/iso_statecodes">{}</xs:schema>"""
CODE = '<xs:simpleType name="{}"><xs:restriction base="xs:string"/></xs:simpleType>'
CODE_TYPES = (
    "ISO_COUNTRY_CODE",
    "ISO_FOREIGN_COUNTRY_CODE",
    "ISO_STATE_AND_OUTLYING_AREA_CODE_USA",
)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> FundReports:
    folder = tmp_path_factory.mktemp("tape") / "market"
    simulate(folder, seed=7, small=20, large=8, years=1)
    return FundReports(load_tape(folder))


def test_report_has_the_shares_of_the_quarters_last_file(reports: FundReports) -> None:
    assert reports.reports
    for each in reports.reports:
        report = parse_nport(write_document(each))
        fund = {"fund": each.fund, "index_code": "R2000"}
        members = parse_holdings(each.holdings_file.read_bytes(), fund).members
        shares = report.positions[report.positions["asset_category"] == "EC"]
        assert sorted(shares["market_value_usd"]) == sorted(members["market_value_usd"])
        assert report.positions["weight_pct_filed"].sum() == pytest.approx(100)


def test_report_is_public_two_months_after_the_quarter(reports: FundReports) -> None:
    first = reports.reports[0]
    day_before = reports.submissions(first.filed - timedelta(days=1))
    assert day_before is None
    path = f"/Archives/edgar/data/1100663/{first.accession_number.replace('-', '')}/primary_doc.xml"
    assert reports.document(path, first.filed - timedelta(days=1)) is None
    assert reports.document(path, first.filed) == write_document(first)
    assert date.fromisoformat(str(first.filed)) - first.quarter_end < timedelta(days=60)


@pytest.mark.skipif(
    not TAPES or not SCHEMAS.is_dir(),
    reason="ROTATION_TEST_TAPES is unset, or no folder payloads/nport lies beside the tapes",
)
def test_report_is_valid_against_the_schema(reports: FundReports, tmp_path: Path) -> None:
    etree = pytest.importorskip("lxml.etree")
    for file in SCHEMAS.glob("*.xsd.gz"):
        (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    codes = CODES.format("".join(map(CODE.format, CODE_TYPES)))
    (tmp_path / "eis_ISO_StateCodes.xsd").write_text(codes)
    schema = etree.XMLSchema(etree.parse(tmp_path / "eis_NPORT_Filer.xsd"))
    for each in reports.reports:
        schema.assertValid(etree.fromstring(write_document(each)))
