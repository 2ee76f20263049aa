"""Test the parsers of the SEC's replies."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tasks.extract.sec.errors import SecParseError
from tasks.extract.sec.parse import (
    changed_ticker_mappings,
    parse_company,
    parse_facts,
    parse_index,
    parse_tickers,
    to_fact_frame,
)

HEAD = """Description:           Daily Index of EDGAR Dissemination Feed by Form Type
Last Data Received:    May 7, 2024

Form Type   Company Name                                                  CIK
      Date Filed  File Name
"""
RULE = "-" * 141 + "\n"
ROWS = """10-K             ALPHA  & SONS CORP /DE/                                       11          20240507    edgar/data/11/0000000011-24-000001.txt
10-Q             10-Q HOLDINGS 2024                                            320193      20240507    edgar/data/320193/0000320193-24-000081.txt
10-Q             PARENT AND SUBSIDIARY                                         7           20240507    edgar/data/7/0000000007-24-000002.txt
10-Q             PARENT AND SUBSIDIARY                                         8           20240507    edgar/data/8/0000000007-24-000002.txt
10-Q/A           BETA INC                                                      22          20240507    edgar/data/22/0000000022-24-000003.txt
8-K              ALPHA CORP                                                    11          20240507    edgar/data/11/0000000011-24-000004.txt
NT 10-K          LATE CORP                                                     33          20240507    edgar/data/33/0000000033-24-000001.txt
SC 13G/A         OWNER LP                                                      44          20240507    edgar/data/44/0000000044-24-000001.txt
"""  # noqa: E501 - lines as long as EDGAR's


def fact(**changes: Any) -> dict[str, Any]:
    base = {
        "end": "2024-06-29", "val": 9.0, "accn": "0000320193-24-000081", "fy": 2024, "fp": "Q3",
        "form": "10-Q", "filed": "2024-08-02",
    }  # fmt: skip
    return base | changes


def content(**tags: Any) -> dict[str, Any]:
    return {"cik": 320193, "entityName": "Apple Inc.", "facts": {"us-gaap": tags}}


def test_index_returns_reports_with_financial_statements() -> None:
    rows = parse_index(HEAD + RULE + ROWS)
    assert rows.assign(filed_date=rows["filed_date"].astype(str)).to_numpy().tolist() == [
        [11, "0000000011-24-000001", "10-K", "2024-05-07"],
        [320193, "0000320193-24-000081", "10-Q", "2024-05-07"],
        [7, "0000000007-24-000002", "10-Q", "2024-05-07"],
        [8, "0000000007-24-000002", "10-Q", "2024-05-07"],
        [22, "0000000022-24-000003", "10-Q/A", "2024-05-07"],
    ]


def test_index_without_filings_is_empty() -> None:
    assert parse_index(HEAD + RULE).empty


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no head"),
        (HEAD, "no head"),
        (HEAD + RULE + ROWS[:700], "ends within a line"),
        (HEAD + RULE + "10-K   A CORP\n", "can't be read"),
    ],
)
def test_invalid_index_is_refused(text: str, words: str) -> None:
    with pytest.raises(SecParseError, match=words):
        parse_index(text)


def test_facts_of_listed_tags_and_units_as_filed() -> None:
    debt = {"USD": [fact(), fact(end="2023-09-30", val=8, form="10-Q/A")], "EUR": [fact()]}
    interest = {"USD": [fact(start="2024-03-31", val=-1, fy=0, fp="", accn="0000320193-24-000099")]}
    parsed = parse_facts(
        320193,
        content(
            LongTermDebt={"units": debt},
            InterestExpense={"units": interest},
            Unlisted={"units": {"USD": [fact(accn="0000320193-24-000100")]}},
        ),
    )
    frame = to_fact_frame([parsed])
    assert frame["value"].to_list() == [9.0, 8.0, -1.0]
    assert frame["period_start"].dt.strftime("%Y-%m-%d").to_list() == [
        "2024-06-29", "2023-09-30", "2024-03-31",
    ]  # fmt: skip
    assert frame["known_from"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2024-08-05"]
    assert frame["fiscal_year"].isna().to_list() == [False, False, True]
    assert frame["fiscal_period"].isna().to_list() == [False, False, True]
    assert parsed.skipped_unit_count == 1
    # accessions include filings with unlisted facts only
    assert {accession[-3:] for accession in parsed.accessions} == {"081", "099", "100"}


def test_other_taxonomies_are_skipped() -> None:
    facts = {"LongTermDebt": {"units": {"USD": [fact()]}}}
    body = content() | {"facts": {"ifrs-full": facts}}
    parsed = parse_facts(320193, body)
    assert to_fact_frame([parsed]).empty
    assert len(parsed.accessions) == 1


def test_fact_with_missing_fields_is_kept_for_validation() -> None:
    body = content(LongTermDebt={"units": {"USD": [{"accn": "1"}, fact(end="2024-13-01")]}})
    frame = to_fact_frame([parse_facts(320193, body)])
    assert frame["period_end"].isna().all()
    assert frame["value"].isna().to_list() == [True, False]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        content() | {"cik": 1},
        content() | {"facts": None},
        content(LongTermDebt={"units": {"USD": [{"val": 1}]}}),
    ],
)
def test_invalid_companyfacts_are_refused(body: Any) -> None:
    with pytest.raises(SecParseError):
        parse_facts(320193, body)


def test_first_filed_date_includes_older_pages() -> None:
    recent = {"filingDate": ["2024-08-02", "2015-01-28"]}
    pages = [{"name": "CIK0000320193-submissions-001.json", "filingFrom": "1994-01-26"}]
    body = {
        "cik": "0000320193", "name": "Apple Inc.", "sic": "3571",
        "sicDescription": "Electronic Computers", "fiscalYearEnd": "0926",
        "filings": {"recent": recent, "files": pages},
    }  # fmt: skip
    row = parse_company(320193, body).iloc[0]
    assert row["first_filed_date"] == pd.Timestamp("1994-01-26")
    assert row["sic"] == "3571"
    bare = body | {"sic": "", "fiscalYearEnd": None, "filings": {"recent": {"filingDate": []}}}
    unknown = parse_company(320193, bare).isna().iloc[0]
    assert unknown.to_dict() == {
        "cik": False, "name": False, "sic": True, "sic_description": False,
        "fiscal_year_end": True, "first_filed_date": True,
    }  # fmt: skip
    with pytest.raises(SecParseError):
        parse_company(1, body)


def test_only_new_and_changed_tickers_are_returned() -> None:
    table = [[320193, "Apple Inc.", "AAPL", "Nasdaq"], [9, "Moved", "MOVD", None]]
    listed = parse_tickers(
        {"fields": ["cik", "name", "ticker", "exchange"], "data": table}, date(2024, 5, 1)
    )
    assert changed_ticker_mappings(listed, {"AAPL": 320193, "MOVD": 8, "GONE": 7})[
        "ticker"
    ].to_list() == ["MOVD"]
    assert len(changed_ticker_mappings(listed, {})) == 2
    empty = parse_tickers({"fields": ["cik"], "data": []}, date(2024, 5, 1))
    assert list(changed_ticker_mappings(empty, {}).columns) == list(listed.columns)
    with pytest.raises(SecParseError):
        parse_tickers({"0": {"cik_str": 1}}, date(2024, 5, 1))


IFRS = {"units": {"USD": [fact(form="20-F", filed="2024-04-26")]}}
ASSETS = {"units": {"USD": [fact()]}}
SHARES = {"units": {"shares": [fact(form="20-F", filed="2024-04-26")]}}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"us-gaap": {"Assets": ASSETS}}, None),
        # shares on the cover page are no amount
        ({"ifrs-full": {"Assets": IFRS}, "dei": {"EntityCommonStockSharesOutstanding": SHARES}},
         "ifrs"),
        ({"us-gaap": {"Assets": {"units": {"EUR": [fact()]}}}}, "other_currency"),
        ({"us-gaap": {"Goodwill": ASSETS}}, "no_listed_tag"),
        # a filer that has changed to IFRS since
        ({"us-gaap": {"Assets": {"units": {"USD": [fact(filed="2022-08-02")]}}},
          "ifrs-full": {"Assets": IFRS}}, "ifrs"),
        # a filer that has changed from it
        ({"us-gaap": {"Assets": ASSETS}, "ifrs-full": {"Assets": IFRS}}, None),
        # no report at all: nothing says that it cannot be read
        ({"us-gaap": {"Goodwill": {"units": {"USD": [fact(form="DEF 14A")]}}}}, None),
    ],
)  # fmt: skip
def test_filers_whose_reports_cannot_be_read(facts, reason) -> None:
    assert parse_facts(320193, {"cik": 320193, "facts": facts}).unreadable_reason == reason


@pytest.mark.parametrize(("cik", "reason"), [(1997711, "ifrs"), (937966, "other_currency")])
def test_real_filers_whose_reports_cannot_be_read(tapes: Path, cik: int, reason: str) -> None:
    path = tapes / "real-filings" / "companyfacts" / f"CIK{cik:010}.json.gz"
    parsed = parse_facts(cik, json.loads(gzip.decompress(path.read_bytes())))
    assert parsed.unreadable_reason == reason
    assert not (to_fact_frame([parsed])["unit"] == "USD").any()
