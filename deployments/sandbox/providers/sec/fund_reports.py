"""The funds' quarterly reports, Form N-PORT, written from the tape's holdings files."""

import csv
import hashlib
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from deployments.sandbox.tape.tape import Tape

TRUST_CIK = 1100663
SERIES = {
    "IWM": ("S000004344", "iShares Russell 2000 ETF"),
    "IVV": ("S000004310", "iShares Core S&P 500 ETF"),
}
DAYS_TO_FILING = 56
DOCUMENT = re.compile(rf"/Archives/edgar/data/{TRUST_CIK}/(\d{{18}})/primary_doc\.xml")
_COLUMNS = ("accessionNumber", "filingDate", "reportDate", "form", "primaryDocument")
# of so many companies, one has no ticker in the reports, and another one no LEI
_STATED_SHARE = 4
_GENERAL = """<?xml version="1.0" encoding="UTF-8"?>
<edgarSubmission xmlns="http://www.sec.gov/edgar/nport" \
xmlns:com="http://www.sec.gov/edgar/common" xmlns:ncom="http://www.sec.gov/edgar/nportcommon">
  <headerData>
    <submissionType>{form}</submissionType>
    <isConfidential>false</isConfidential>
    <filerInfo>
      <filer><issuerCredentials><cik>{cik:010d}</cik><ccc>XXXXXXXX</ccc></issuerCredentials></filer>
      <seriesClassInfo><seriesId>{series}</seriesId><classId>C000012074</classId></seriesClassInfo>
    </filerInfo>
  </headerData>
  <formData>
    <genInfo>
      <regName>iShares Trust</regName>
      <regFileNumber>811-09729</regFileNumber>
      <regCik>{cik:010d}</regCik>
      <regLei>5493000860OXIC4B5K91</regLei>
      <regStreet1>400 Howard Street</regStreet1>
      <regCity>San Francisco</regCity>
      <regStateConditional regCountry="US" regState="US-CA"/>
      <regZipOrPostalCode>94105</regZipOrPostalCode>
      <regPhone>000-000-0000</regPhone>
      <seriesName>{name}</seriesName>
      <seriesId>{series}</seriesId>
      <seriesLei>5493000860OXIC4B5K91</seriesLei>
      <repPdEnd>{year_end}</repPdEnd>
      <repPdDate>{quarter_end}</repPdDate>
      <isFinalFiling>N</isFinalFiling>
    </genInfo>
    <fundInfo>
      <totAssets>{total:.2f}</totAssets>
      <totLiabs>0.00</totLiabs>
      <netAssets>{total:.2f}</netAssets>
      <assetsAttrMiscSec>0.00</assetsAttrMiscSec>
      <assetsInvested>0.00</assetsInvested>
      <amtPayOneYrBanksBorr>0.00</amtPayOneYrBanksBorr>
      <amtPayOneYrCtrldComp>0.00</amtPayOneYrCtrldComp>
      <amtPayOneYrOthAffil>0.00</amtPayOneYrOthAffil>
      <amtPayOneYrOther>0.00</amtPayOneYrOther>
      <amtPayAftOneYrBanksBorr>0.00</amtPayAftOneYrBanksBorr>
      <amtPayAftOneYrCtrldComp>0.00</amtPayAftOneYrCtrldComp>
      <amtPayAftOneYrOthAffil>0.00</amtPayAftOneYrOthAffil>
      <amtPayAftOneYrOther>0.00</amtPayAftOneYrOther>
      <delayDeliv>0.00</delayDeliv>
      <standByCommit>0.00</standByCommit>
      <liquidPref>0.00</liquidPref>
      <isNonCashCollateral>N</isNonCashCollateral>
      <returnInfo>
        <monthlyTotReturns>
          <monthlyTotReturn classId="C000012074" rtn1="0.00" rtn2="0.00" rtn3="0.00"/>
        </monthlyTotReturns>
        <othMon1 netRealizedGain="0.00" netUnrealizedAppr="0.00"/>
        <othMon2 netRealizedGain="0.00" netUnrealizedAppr="0.00"/>
        <othMon3 netRealizedGain="0.00" netUnrealizedAppr="0.00"/>
      </returnInfo>
      <mon1Flow redemption="0.00" reinvestment="0.00" sales="0.00"/>
      <mon2Flow redemption="0.00" reinvestment="0.00" sales="0.00"/>
      <mon3Flow redemption="0.00" reinvestment="0.00" sales="0.00"/>
    </fundInfo>
    <invstOrSecs>
"""
_POSITION = """      <invstOrSec>
        <name>{name}</name>
        <lei>{lei}</lei>
        <title>{name}</title>
        <cusip>{cusip}</cusip>
        <identifiers>{identifiers}</identifiers>
        <balance>{shares:.8f}</balance>
        <units>NS</units>
        <curCd>USD</curCd>
        <valUSD>{value:.2f}</valUSD>
        <pctVal>{weight:.12f}</pctVal>
        <payoffProfile>Long</payoffProfile>
        <assetCat>{category}</assetCat>
        <issuerCat>{issuer}</issuerCat>
        <invCountry>US</invCountry>
        <isRestrictedSec>N</isRestrictedSec>
        <fairValLevel>1</fairValLevel>
        <securityLending>
          <isCashCollateral>N</isCashCollateral>
          <isNonCashCollateral>N</isNonCashCollateral>
          <isLoanByFund>N</isLoanByFund>
        </securityLending>
      </invstOrSec>
"""
_END = """    </invstOrSecs>
    <signature>
      <ncom:dateSigned>{filed}</ncom:dateSigned>
      <ncom:nameOfApplicant>iShares Trust</ncom:nameOfApplicant>
      <ncom:signature>X</ncom:signature>
      <ncom:signerName>X</ncom:signerName>
      <ncom:title>Treasurer</ncom:title>
    </signature>
  </formData>
</edgarSubmission>
"""


class Report(NamedTuple):
    """One report of a fund: what it describes, and when it is public."""

    filed: date
    accession_number: str
    fund: str
    quarter_end: date
    holdings_file: Path
    form: str = "NPORT-P"


class FundReports:
    """The N-PORT reports of the trust whose funds' holdings a tape has."""

    def __init__(self, tape: Tape) -> None:
        """Find the quarters' last holdings files of a tape."""
        self.reports = sorted(_find_reports(tape))

    def submissions(self, day: date) -> dict[str, Any] | None:
        """Return the trust's list of filings by a day, newest first; None without any."""
        shown = [each for each in reversed(self.reports) if each.filed <= day]
        rows = [
            (each.accession_number, str(each.filed), str(each.quarter_end), each.form,
             "xslFormNPORT-P_X01/primary_doc.xml")
            for each in shown
        ]  # fmt: skip
        if not rows:
            return None
        recent = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        about = {"cik": f"{TRUST_CIK:010d}", "name": "iShares Trust", "tickers": []}
        return about | {"filings": {"recent": recent, "files": []}}

    def document(self, path: str, day: date) -> bytes | None:
        """Return the document at a path, if it was filed by a day."""
        match = DOCUMENT.fullmatch(path)
        for each in self.reports if match else ():
            is_named = match is not None and each.accession_number.replace("-", "") == match[1]
            if is_named and each.filed <= day:
                return write_document(each)
        return None


@lru_cache(maxsize=4)
def write_document(report: Report) -> bytes:
    """Write the XML document of a report."""
    series, name = SERIES[report.fund]
    rows = list(_read_rows(report.holdings_file))
    total = sum(float(row["Market Value"].replace(",", "")) for row in rows)
    # the fiscal year of these funds ends in March
    year = report.quarter_end.year + (report.quarter_end.month > 3)
    head = _GENERAL.format(
        form=report.form, cik=TRUST_CIK, series=series, name=escape(name), total=total,
        year_end=date(year, 3, 31), quarter_end=report.quarter_end,
    )  # fmt: skip
    positions = "".join(_write_position(row, total) for row in rows)
    return (head + positions + _END.format(filed=report.filed)).encode()


def _find_reports(tape: Tape) -> Iterator[Report]:
    for number, (fund, files) in enumerate(sorted(tape.holdings.items())):
        months = {(day.year, day.month): day for day in sorted(files) if day.month % 3 == 0}
        for (year, month), day in months.items():
            quarter_end = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
            # a file of the quarter's last days has its last closes
            if fund in SERIES and (quarter_end - day).days < 5:
                filed = quarter_end + timedelta(days=DAYS_TO_FILING)
                accession = f"0001752724-{filed:%y}-{filed:%m%d}{number:02d}"
                yield Report(_weekday(filed), accession, fund, quarter_end, files[day])
                amendments = tape.amendments.get((fund, quarter_end), {})
                for filed, file in amendments.items():
                    accession = f"0001752724-{filed:%y}-{filed:%m%d}5{number}"
                    yield Report(filed, accession, fund, quarter_end, file, "NPORT-P/A")


def _weekday(day: date) -> date:
    return day + timedelta(days={6: 2, 7: 1}.get(day.isoweekday(), 0))


def _read_rows(file: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of shares and cash of a holdings file; a future has no value."""
    lines = file.read_text(encoding="utf-8-sig").split("\n")
    start = next(at for at, line in enumerate(lines) if line.startswith("Ticker,"))
    stop = next(at for at in range(start, len(lines)) if not lines[at].strip("\u00a0 "))
    for row in csv.DictReader(lines[start:stop]):
        if float(row["Market Value"].replace(",", "")) >= 1:
            yield row


def _write_position(row: dict[str, str], total: float) -> str:
    is_share = row["Asset Class"] == "Equity"
    name = row["Name"].title()
    # a company keeps its numbers when its ticker changes
    number = int(hashlib.sha256(row["Name"].encode()).hexdigest(), 16)
    cusip = f"{number % 10**8:08d}0"
    has_ticker, has_lei = number % _STATED_SHARE != 0, number // 7 % _STATED_SHARE != 0
    identifiers = f'<isin value="US{cusip}0"/>'
    if is_share and has_ticker:
        identifiers += f"<ticker value={quoteattr(row['Ticker'])}/>"
    value = float(row["Market Value"].replace(",", ""))
    return _POSITION.format(
        name=escape(name),
        lei=f"5493{number % 10**14:014d}00" if is_share and has_lei else "N/A",
        cusip=cusip if is_share else "N/A",
        identifiers=identifiers if is_share else '<other otherDesc="Internal" value="CASH"/>',
        shares=float((row.get("Quantity") or row["Shares"]).replace(",", "")),
        value=value,
        weight=100 * value / total,
        category="EC" if is_share else "STIV",
        issuer="CORP" if is_share else "RF",
    )
