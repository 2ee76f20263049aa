"""Filings of named companies with right values found by hand, a folder of `cases` per case.

`facts.csv` has facts as the SEC's companyfacts list them, `expected.csv` one published value per
line (empty: NULL) with its tolerance (empty: none) and its calculation. Facts of a case are cut to
the tags that it needs.
"""

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from deployments.bench.filings_accuracy import to_facts
from tasks.derive.debt.rates import Rates
from tasks.derive.refinancing.company_row import UNLISTED, company_rows
from tasks.derive.xbrl.facts import Fact
from tasks.extract.sec.parse import parse_facts, to_fact_frame

CASES = sorted(path.parent for path in Path(__file__).with_name("cases").glob("*/facts.csv"))
NO_RATES = Rates(
    pl.DataFrame(
        schema={
            "series_id": pl.String,
            "observation_date": pl.Date,
            "vintage_date": pl.Date,
            "value": pl.Float64,
        }
    )
)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_facts(case: Path) -> list[Fact]:
    """The case's facts on the product's way, through the parser of companyfacts."""
    tags: dict[str, dict[str, dict[str, list[dict[str, object]]]]] = {}
    for row in read_rows(case / "facts.csv"):
        fact: dict[str, object] = {name: text for name, text in row.items() if text}
        fact["val"] = float(row["val"])
        units = tags.setdefault(row["tag"], {"units": {}})["units"]
        units.setdefault(row["unit"], []).append(fact)
    return to_facts(to_fact_frame([parse_facts(1, {"cik": 1, "facts": {"us-gaap": tags}})]))


def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_published_values_are_the_right_ones(case: Path) -> None:
    expected = read_rows(case / "expected.csv")
    days = sorted({date.fromisoformat(row["as_of_date"]) for row in expected})
    found = {
        row["as_of_date"]: row
        for row in company_rows(read_facts(case), days, lambda _: UNLISTED, NO_RATES)
    }
    wrong = []
    for row in expected:
        day = date.fromisoformat(row["as_of_date"])
        value = found.get(day, {}).get(row["column"])
        right: object = row["value"] or None
        if isinstance(value, (int, float)) and right is not None:
            tolerance = float(row["tolerance"] or 0)
            right = pytest.approx(float(row["value"]), rel=1e-9, abs=tolerance)
        elif value is not None:
            value = str(value)
        if value != right:
            wrong.append(f"{day} {row['column']}: {value}, right is {row['value'] or 'NULL'}")
    assert not wrong


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_published_values_use_nothing_filed_later(case: Path) -> None:
    facts = read_facts(case)
    days = sorted(
        {date.fromisoformat(row["as_of_date"]) for row in read_rows(case / "expected.csv")}
    )
    for row in company_rows(facts, days, lambda _: UNLISTED, NO_RATES):
        known = [fact for fact in facts if fact.known_from <= row["as_of_date"]]
        assert company_rows(known, [row["as_of_date"]], lambda _: UNLISTED, NO_RATES) == [row]
