"""Conditions of scenarios: since when, and on which days."""

from datetime import date

import polars as pl

from expectations.tables import macro_observation
from tasks.derive.claims import scenario_monitor
from tasks.derive.claims.scenario_monitor import evaluate_condition
from tasks.derive.macro import macro_regime
from warehouse.query_file import QueryFile

HEADER = dict.fromkeys(("scenario", "condition", "series", "threshold", "unit"), "text")
CONDITION = QueryFile("cpi", HEADER, "select 1")


def day(number):
    return date(2025, 1, number)


def test_run_that_still_lasts_and_days_met_before():
    days = [
        (day(5), 5.0, True),
        (day(1), 4.0, True),
        (day(2), 3.0, False),
        (day(3), 4.1, True),
        (day(4), None, None),
    ]
    row = evaluate_condition(CONDITION, days)
    # a day on which nothing is known does not end the run
    assert (row["is_met"], row["met_since"], row["newest_value"]) == (True, day(3), 5.0)
    assert (row["first_met"], row["last_met"], row["days_met"]) == (day(1), day(5), 3)
    assert (row["known_since"], row["as_of_date"]) == (day(1), day(5))


def test_condition_met_on_one_day_is_shown_although_it_is_over():
    row = evaluate_condition(
        CONDITION, [(day(1), 1.0, False), (day(2), 4.0, True), (day(3), 1.0, False)]
    )
    assert (row["is_met"], row["met_since"]) == (False, None)
    assert (row["first_met"], row["last_met"], row["days_met"]) == (day(2), day(2), 1)


def test_series_that_is_not_known():
    row = evaluate_condition(CONDITION, [(day(1), None, None)])
    assert (row["is_met"], row["as_of_date"], row["days_met"]) == (None, None, 0)


def test_real_spread_was_2_points_wider_on_one_day_of_2025(house, tapes):
    """2025-04-09, by the tape: 4.61 was known that day, and 2.59 the low of the year before."""
    vintages = pl.read_parquet(tapes / "real-etf" / "observations.parquet").filter(
        (pl.col("series_id") == "BAMLH0A0HYM2") & (pl.col("observation_date") >= date(2024, 1, 1))
    )
    frame = (
        vintages.rename({"realtime_start": "vintage_date"})
        .select("series_id", "observation_date", "vintage_date", "value")
        .drop_nulls()
        .to_pandas()
        .assign(missing_reason=None, source="test")
    )
    house.load((macro_observation.CONTRACT, frame))
    house.derive(macro_regime, scenario_monitor)
    (row,) = house.read(
        "select * from published.scenario_monitor where condition = 'high_yield_spread_2_wider'"
    ).rows(named=True)
    assert (row["is_met"], row["met_since"], row["days_met"]) == (False, None, 1)
    assert row["first_met"] == row["last_met"] == date(2025, 4, 9)
