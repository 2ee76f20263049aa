"""Laws of every derived table: nothing known later changes a row, and any replay gives the same.

One warehouse knows all at once. The other knows what was known on a session, and the rest later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import polars as pl
import pytest

from expectations import contracts
from expectations.calendars.trading import session_dates
from tasks.derive.incremental.derived_table import derive_table
from tasks.derive.rebuild import DERIVED_TABLES
from tasks.load.publish import validate_and_merge
from tasks.run.totals import RunTotals
from tests.tasks.derive.filings import Filers, day, fact, ladder
from tests.tasks.derive.macro.vintages import FIRST, LAST, load_vintages, make_vintages
from tests.tasks.derive.pipeline import House

# Two sessions after a release of CPI: of the windows around it, one is over and one is open.
CUT = date(2023, 9, 14)
TICKERS = ("IWM", "SPY", "XLF", "XBI", "AAA", "BBB", "CCC")
MEMBERS = [("AAA", "Energy", 3.0), ("BBB", "Financials", 2.0), ("CCC", "Energy", 1.0)]
# the session from which a row is known, where the newest date column is another
KNOWN_FROM = {
    "index_concentration": "known_from",
    "debt_maturity": "known_from",
    "seasonality": "known_from",
    "release_reaction": "known_from",
    "company_figures": "as_of_date",
}
# Judged on all that is known, one row per claim or condition: earlier verdicts are in history.
NEWEST_STATE = ("claim_ledger", "scenario_monitor")
KEYS = {name: contracts()[name].key for name in DERIVED_TABLES} | {
    # internal, without a contract
    "company_figures": ("cik", "as_of_date"),
}
DATED = [name for name in sorted(KEYS) if name not in NEWEST_STATE]
LOAD_COLUMNS = ("loaded_at", "run_id")


@dataclass
class World:
    """All that is ever known, each with the day from which it is."""

    bars: list[tuple[object, ...]]
    actions: list[tuple[object, ...]]
    vintages: pd.DataFrame
    snapshots: list[tuple[str, date]]
    facts: dict[int, list]

    def load(self, house: House, after: date, until: date) -> None:
        """Loads what became known after one day, until another."""

        def is_new(known: date) -> bool:
            return after < known <= until

        for code, known in self.snapshots:
            if is_new(known):
                lines = MEMBERS if known < CUT else [*MEMBERS[:2], ("IWM", "Energy", 1.0)]
                house.load_snapshot(code, known, lines)
        filers = Filers(house)
        if after < FIRST:
            filers.load_tickers({"AAA": 1, "BBB": 2, "CCC": 3})
        facts = {
            cik: [each for each in filed if is_new(each.known_from)]
            for cik, filed in self.facts.items()
        }
        if any(facts.values()):
            filers.load_all(facts)
        house.load_prices(
            [bar for bar in self.bars if is_new(bar[1])],
            [act for act in self.actions if is_new(act[1])],
        )
        known = self.vintages["vintage_date"].dt.date
        new = self.vintages[(known > after) & (known <= until)]
        if len(new):
            load_vintages(house, new)


def make_world() -> World:
    """Two years of seven tickers, four filers' years and all macro series."""
    rng = np.random.default_rng(11)
    sessions = session_dates(FIRST, LAST)
    bars, actions = [], []
    for place, ticker in enumerate(TICKERS):
        closes = 50 * np.exp(np.cumsum(rng.normal(0.0004 * (place == 0), 0.01, len(sessions))))
        # a run of outperformance over the cut
        if ticker == "IWM":
            at = sessions.index(CUT)
            closes[at - 4 :] *= np.cumprod([1.03] * 9 + [1.0] * (len(sessions) - at - 5))
        is_there = rng.random(len(sessions)) > (0.02 if place > 3 else 0)
        bars += [
            (ticker, sessions[n], round(float(closes[n]), 4), int(rng.integers(1, 900)))
            for n in np.flatnonzero(is_there)
        ]
        actions += [
            (ticker, sessions[n], "dividend", 0.3) for n in range(20 + place, len(sessions), 63)
        ]
    actions.append(("AAA", sessions[150], "split", 2.0))
    facts = {
        cik: [each for year in range(2019, 2023) for each in _annual_report(cik, year, rng)]
        for cik in (1, 2, 3)
    }
    snapshots = [("R2000", date(2022, 1, 10)), ("SP500", date(2022, 6, 30))]
    snapshots += [("R2000", date(2023, 10, 2))]
    return World(bars, actions, make_vintages(), snapshots, facts)


def _annual_report(cik: int, year: int, rng: np.random.Generator) -> list:
    end, start = f"{year}-12-31", f"{year}-01-01"
    # one company files after the cut
    filed = day(end) + timedelta(days=40 if cik < 3 else 290)
    parts = {"year_1": 10.0, "year_2": 20.0, "year_3": 30.0, "year_4": 5.0, "year_5": 5.0}
    given = {"filed": f"{filed}"}
    return [
        *ladder(end, parts | {"after_5": 30.0}, **given),
        fact("LongTermDebt", end, 100.0, **given),
        fact("Assets", end, 500.0, **given),
        fact("Liabilities", end, 300.0, **given),
        fact("StockholdersEquity", end, 200.0, **given),
        fact("CommonStockSharesOutstanding", end, 1e6 * year, **given),
        *(
            fact(tag, end, float(rng.integers(-20, 60)), start=start, **given)
            for tag in ("OperatingIncomeLoss", "NetIncomeLoss", "Revenues")
        ),
        fact("InterestExpense", end, float(rng.integers(2, 9)), start=start, **given),
    ]


def derive_all(house: House) -> None:
    """Derives and publishes as the flow does."""
    for table in DERIVED_TABLES.values():
        derived = derive_table.fn(table, house.settings)
        if derived is not None:
            totals = validate_and_merge(derived, house.run().writer)
            assert not totals.validation_failures, totals.validation_failures
            assert isinstance(totals, RunTotals)


def read_all(house: House) -> dict[str, pl.DataFrame]:
    """Every derived table, ordered by its key."""
    return {
        name: house.read(f"select * from derived.{name}").drop(LOAD_COLUMNS, strict=False).sort(key)
        for name, key in KEYS.items()
    }


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def whole(new_warehouse, world: World) -> Iterator[dict[str, pl.DataFrame]]:
    """Rows of a warehouse that was told everything at once."""
    with new_warehouse() as settings:
        house = House(settings)
        world.load(house, date.min, date.max)
        derive_all(house)
        yield read_all(house)


@pytest.fixture(scope="module")
def replayed(
    new_warehouse, world: World
) -> Iterator[tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]]:
    """Rows of a warehouse as of the cut, and after the rest has arrived in parts."""
    with new_warehouse() as settings:
        house = House(settings)
        world.load(house, date.min, CUT)
        derive_all(house)
        at_cut = read_all(house)
        days = [CUT, *(CUT + timedelta(days=n) for n in (1, 5, 6)), date.max]
        for after, until in pairwise(days):
            world.load(house, after, until)
            derive_all(house)
        yield at_cut, read_all(house)


def known_from(table: str) -> str:
    """The column with the session from which a row is known."""
    return KNOWN_FROM.get(table) or contracts()[table].latest_date_column or ""


@pytest.mark.parametrize("table", DATED)
def test_what_becomes_known_later_changes_no_row(whole, replayed, table: str) -> None:
    known = pl.col(known_from(table)) <= CUT
    at_cut, later = replayed[0][table], whole[table].filter(known)
    assert later.height, "the test has no rows to compare"
    # nothing in a warehouse is known after the day on which it stands
    assert at_cut.filter(known).height == at_cut.height
    assert at_cut.equals(later)


@pytest.mark.parametrize("table", DATED)
def test_parts_in_order_give_the_rows_of_one_derivation(whole, replayed, table: str) -> None:
    assert replayed[1][table].equals(whole[table])
    assert whole[table].height > replayed[0][table].height, "nothing arrived after the cut"


def test_rows_have_values(whole) -> None:
    """A table of NULLs would obey any law."""
    for table, columns in {
        "macro_regime": ("cpi_yoy_pct", "dollar_change_63", "gdp_yoy_pct", "cuts_in_cycle"),
        "streak_record": ("relative_return",),
        "seasonality": ("t_statistic",),
        "rate_sensitivity": ("beta_dgs2_252_pct", "beta_dgs10_63_pct"),
        "release_reaction": ("abnormal_return", "value_pct"),
        "rotation_metrics": ("zscore_252", "beta_63"),
        "company_refinancing": ("total_debt_usd", "interest_coverage"),
        "company_figures": ("assets_usd", "shares_before", "is_ebit_below_interest_3"),
    }.items():
        for column in columns:
            assert whole[table][column].is_not_null().any(), (table, column)
