"""Conditions of scenarios on small inputs up to August 2026 whose figures are known by hand."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from expectations.calendars.trading import session_dates
from tasks.derive.claims.scenario_monitor import evaluate_condition
from tests.warehouse.claims.tables import QUARTER, Tables
from warehouse.claims import conditions

SESSIONS = session_dates(date(2021, 1, 4), date(2026, 8, 31))


def regime(column: str, values: Mapping[int, float], **others: Any) -> Tables:
    """A column of sessions by their place from the end, each value until the next."""
    rows, value = [], None
    for place in range(-max(-n for n in values), 0):
        value = values.get(place, value)
        rows.append({"session_date": SESSIONS[place], column: value, **others})
    if column == "cpi_yoy_pct":
        rows = [row | {"cpi_reference_month": date(2026, 7, 1)} for row in rows]
    return {"derived.macro_regime": rows}


def spread(values: Mapping[int, float]) -> Tables:
    return regime("hy_oas_pct", values)


def steps(values: Mapping[int, float], **others: Any) -> Tables:
    return regime("target_upper_pct", values, **others)


def growth(small: float, large: float) -> Tables:
    """Trailing income of 100 a year before, and of today."""
    rows = [
        {"cik": cik, "as_of_date": day, "index_code": code, "net_income_ttm_usd": income}
        for cik, code, income_now in ((1, "R2000", small), (2, "SP500", large))
        for day, income in ((date(2025, 3, 31), 100.0), (QUARTER, income_now))
    ]
    return {"derived.company_refinancing": rows}


HOT = {"cpi_yoy_pct": 4.1, "cpi_reference_month": date(2026, 7, 1)}
# condition, whether it is met, newest value, days on which it was met, input
CONDITIONS: list[tuple[str, bool | None, float | None, int, Tables]] = [
    ("cpi_at_least_4", True, 4.0, 2, regime("cpi_yoy_pct", {-3: 3.9, -2: 4.0})),
    ("cpi_at_least_4", False, 3.9, 1, regime("cpi_yoy_pct", {-3: 4.0, -2: 3.9})),
    ("cpi_at_most_2_5", True, 2.5, 1, regime("cpi_yoy_pct", {-2: 2.6, -1: 2.5})),
    ("cpi_at_most_2_5", False, 2.6, 0, regime("cpi_yoy_pct", {-1: 2.6})),
    ("unemployment_at_least_5", True, 5.0, 1, regime("unemployment_pct", {-2: 4.9, -1: 5.0})),
    ("unemployment_at_least_5", False, 4.9, 0, regime("unemployment_pct", {-1: 4.9})),
    ("unemployment_above_6", True, 6.1, 1, regime("unemployment_pct", {-2: 6.0, -1: 6.1})),
    ("unemployment_above_6", False, 6.0, 0, regime("unemployment_pct", {-1: 6.0})),
    ("high_yield_spread_at_least_5", True, 5.0, 1, regime("hy_oas_pct", {-2: 4.9, -1: 5.0})),
    ("high_yield_spread_at_least_5", False, 4.9, 0, regime("hy_oas_pct", {-1: 4.9})),
    # met on one day only
    ("high_yield_spread_2_wider", False, 0.0, 1, spread({-260: 3.0, -3: 5.0, -2: 3.0})),
    # the low of 252 sessions before the newest is 3.5, of 253 it would be 3
    ("high_yield_spread_2_wider", False, 1.5, 0, spread({-253: 3.0, -252: 3.5, -1: 5.0})),
    # 5.3 - 3.3 is below 2 in floating point
    ("high_yield_spread_2_wider", True, 2.0, 1, spread({-252: 3.3, -251: 3.5, -1: 5.3})),
    ("claims_20_pct_above_low", True, 20.0, 1, regime("claims_4wk_avg", {-300: 2e5, -1: 2.4e5})),
    ("claims_20_pct_above_low", False, 19.0, 0, regime("claims_4wk_avg", {-300: 2e5, -1: 2.38e5})),
    ("claims_20_pct_above_low", None, None, 0, regime("claims_4wk_avg", {-239: 2e5, -1: 2.4e5})),
    ("gdp_growth_moderate", True, 2.54, 1, regime("gdp_yoy_pct", {-1: 2.54})),
    ("gdp_growth_moderate", False, 2.6, 0, regime("gdp_yoy_pct", {-1: 2.6})),
    ("gdp_growth_moderate", False, 1.9, 0, regime("gdp_yoy_pct", {-1: 1.9})),
    ("target_raised_since_low", True, 3.75, 2, steps({-4: 4.0, -3: 3.5, -2: 3.75})),
    ("target_raised_since_low", False, 3.5, 1, steps({-4: 3.5, -2: 3.75, -1: 3.5})),
    # an increase of five years ago
    ("target_raised_since_low", False, 3.75, 1260, steps({-1262: 3.5, -1261: 3.75})),
    ("target_raised_since_low", None, None, 0, steps({-4: 3.5})),
    ("stop_and_go", True, 4.1, 2, steps({-3: 3.5, -2: 3.75}, **HOT)),
    ("stop_and_go", False, 4.1, 0, steps({-3: 3.75, -2: 3.5}, **HOT)),
    ("stop_and_go", False, 3.9, 0, steps({-3: 3.5, -2: 3.75}, **HOT | {"cpi_yoy_pct": 3.9})),
    ("target_falls_to_3", True, 3.0, 1, steps({-1: 3.0}, policy_phase="easing")),
    ("target_falls_to_3", False, 3.75, 0, steps({-1: 3.75}, policy_phase="holding")),
    ("target_falls_to_3", False, 2.75, 0, steps({-1: 2.75}, policy_phase="easing")),
    ("small_cap_earnings_faster", True, 15.0, 1, growth(small=120, large=105)),
    ("small_cap_earnings_faster", False, -5.0, 0, growth(small=105, large=110)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "is_met", "value", "days_met", "tables"), CONDITIONS)
def test_condition_known_by_hand(write, name, is_met, value, days_met, tables):
    (condition,) = (each for each in conditions() if each.name == name)
    days = write(tables).execute(condition.query.encode()).fetchall()
    row = evaluate_condition(condition, days)
    assert (row["is_met"], row["newest_value"], row["days_met"]) == (
        *(is_met, pytest.approx(value)),
        days_met,
    )


def test_every_condition_has_a_case_met_and_one_not_met():
    found: dict[str, set[bool]] = {}
    for name, is_met, *_ in CONDITIONS:
        if is_met is not None:
            found.setdefault(name, set()).add(is_met)
    assert found == {condition.name: {True, False} for condition in conditions()}
