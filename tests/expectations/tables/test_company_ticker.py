"""Tickers of companies: each rule's bad row, and the SEC's own list."""

import gzip

import orjson
import pandas as pd
import pytest

from expectations.tables.company_ticker import CONTRACT
from tasks.validate.validate import validate
from tests.expectations.conftest import with_value


def make_frame() -> pd.DataFrame:
    rows = [
        ("AAPL", 320193, "Apple Inc.", "Nasdaq"),
        ("BRK-B", 1067983, "BERKSHIRE HATHAWAY INC", "NYSE"),
        ("ADRO", 1, "A company that is not listed", None),
    ]
    frame = pd.DataFrame(rows, columns=["ticker", "cik", "name", "exchange"])
    return frame.assign(known_from=pd.Timestamp("2024-11-01"))[[*CONTRACT.column_names]]


BROKEN = {
    "ticker_malformed": lambda f: with_value(f, "ticker", "BRK.B"),
    "cik_implausible": lambda f: with_value(f, "cik", 0),
    "name_missing": lambda f: with_value(f, "name", None),
    "duplicate_ticker": lambda f: pd.concat([f, f.loc[[0]]], ignore_index=True),
}


def test_sound_tickers_pass():
    validated = validate(CONTRACT, make_frame())
    assert validated.rule_results["success"].all()
    assert len(validated.valid_rows) == 3


@pytest.mark.parametrize("rule", CONTRACT.rules, ids=lambda rule: rule.name)
def test_each_rule_finds_its_bad_row(rule, assert_broken):
    assert_broken(CONTRACT, rule, BROKEN[rule.name](make_frame()))


def test_the_real_list_breaks_no_rule(tapes):
    packed = (tapes / "real-2024" / "company_tickers.json.gz").read_bytes()
    rows = orjson.loads(gzip.decompress(packed)).values()
    frame = pd.DataFrame(
        [(row["ticker"], row["cik_str"], row["title"]) for row in rows],
        columns=["ticker", "cik", "name"],
    ).assign(exchange=None, known_from=pd.Timestamp("2024-11-01"))
    validated = validate(CONTRACT, frame)
    broken = validated.rule_results.loc[~validated.rule_results["success"], ["rule", "detail"]]
    assert broken.empty, broken.to_string()
    assert len(validated.valid_rows) == len(rows)
