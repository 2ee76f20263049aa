"""Total debt of the simulated filers that state their debt in rare ways, against the truth."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from deployments.sandbox.market.filings.debt_lines import debt_lines, rare_ways
from tasks.derive.debt import total_debt as module
from tasks.derive.debt.ways import INSTRUMENT_WAYS, LINE_WAYS, NONCURRENT_INSTRUMENT_WAYS
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts
from tests.deployments.sandbox.market.filers import read_filers

# what is added to a way, by the text in its basis
ADDITIONS = ("+ notes to related parties", "long-term debt, gross")


@pytest.fixture(scope="module")
def totals(longer_tape):
    """Each report's true and derived total debt, by the way in which its filer states it.

    The second value is the set of ways that were taken: `(table, position)`.
    """
    taken = set()

    def recording(table, ways):
        def record(position, parts):
            def run(lines):
                taken.add((table, position))
                return parts(lines)

            return run

        return tuple(
            replace(way, parts=record(position, way.parts)) for position, way in enumerate(ways)
        )

    tables = ("LINE_WAYS", "NONCURRENT_INSTRUMENT_WAYS", "INSTRUMENT_WAYS")
    companies = longer_tape.csv("truth_companies_debt").unique("debt_tags", keep="any")
    stated = dict(companies.select("cik", "debt_tags").iter_rows())
    filers = read_filers(longer_tape.folder)
    reports = longer_tape.csv("truth_refinancing").filter(pl.col("cik").is_in([*stated]))
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for name in tables:
            patch.setattr(module, name, recording(name, getattr(module, name)))
        for cik, tags in stated.items():
            known = PointInTimeFacts(facts_of(filers[cik]))
            known.advance_to(date.max)
            own = reports.filter(pl.col("cik") == cik)
            for end, owed in own.select("period_end", "total_debt_usd").iter_rows():
                found.append((tags, end, owed, module.total_debt(known, end)))
    return found, taken


def facts_of(filer):
    return [
        Fact(
            tag, day(row.get("start") or row["end"]), day(row["end"]), float(row["val"]),
            row["accn"], row["form"], row["fp"], day(row["filed"]),
            day(row["filed"]) + timedelta(days=1),
        )
        for tag, rows in filer.facts.items()
        for row in rows
    ]  # fmt: skip


def day(text):
    return date.fromisoformat(text)


def test_every_rare_way_has_its_filer(longer_tape):
    stated = set(longer_tape.csv("truth_companies_debt")["debt_tags"])
    assert {*rare_ways()} <= stated <= {*debt_lines()}


def test_total_debt_is_the_truth_or_a_lower_bound(totals):
    found, _ = totals
    for tags, end, owed, debt in found:
        place = (tags, end, owed, debt and debt.method)
        if owed == 0:
            assert debt is None, place
        elif debt is not None and debt.is_lower_bound:
            assert 0 < debt.value <= owed, place
        else:
            assert debt is not None, place
            assert debt.value == pytest.approx(owed, abs=1), place


def test_most_ways_to_state_debt_leave_no_doubt(totals):
    """With maturity schedules even the column and the total are told apart on most days."""
    found, _ = totals
    bounds = {}
    for tags, _, owed, debt in found:
        if owed:
            bounds.setdefault(tags, []).append(debt.is_lower_bound)
    assert {tags for tags, each in bounds.items() if sum(each) > len(each) / 2} <= {
        "total_above_lines", "column_or_total", "notes_or_total", "borrowings_alone", "gross",
    }  # fmt: skip


def test_the_market_reaches_every_way_of_adding_up(totals):
    found, taken = totals
    ways = {
        "LINE_WAYS": LINE_WAYS,
        "NONCURRENT_INSTRUMENT_WAYS": NONCURRENT_INSTRUMENT_WAYS,
        "INSTRUMENT_WAYS": INSTRUMENT_WAYS,
    }
    every = {(name, position) for name, table in ways.items() for position in range(len(table))}
    assert {(name, ways[name][at].basis, at) for name, at in every - taken} == set()
    bases = {debt.method for *_, debt in found if debt is not None}
    assert all(any(text in basis for basis in bases) for text in ADDITIONS)
