"""Exponents of growth, and the text of tables."""

import pytest

from deployments.bench.derivation import Derived, format_rows
from deployments.bench.growth import Size, describe_history, fit_exponents, fit_slope
from deployments.bench.price_run import STAGES, PriceRun
from deployments.bench.timing import Measured, markdown_table


def run(seconds):
    return PriceRun(dict.fromkeys(STAGES, seconds), seconds, 2 * seconds, 3 * seconds, 0.5, 10, 7)


@pytest.mark.parametrize("exponent", [0, 0.5, 1, 2])
def test_a_slope_is_the_exponent(exponent):
    assert fit_slope([(size, 3 * size**exponent) for size in (1, 4, 20)]) == pytest.approx(exponent)


def test_exponents_are_by_tickers_and_by_years():
    points = [
        (tickers, years, tickers * years**0.5) for tickers in (250, 1000) for years in (1, 20)
    ]
    assert fit_exponents(points) == ["1.00", "0.50"]
    assert fit_exponents(points[:2]) == ["", "0.50"]
    assert fit_exponents([(250, 1, 0.0), (250, 20, 1.0)]) == ["", ""]


def test_history_compares_means_of_the_longest_with_the_shortest():
    short, long = (
        Size(250, years, run(1), [run(seconds) for seconds in each])
        for years, each in ((1, (1, 2, 3)), (20, (3, 3, 6)))
    )
    assert describe_history([long, short]) == [
        "250 tickers, 20 years stored against 1: a daily run takes 2.00 times the seconds, 2.00"
        " times the CPU and 2.00 times the CPU of PostgreSQL (means)."
    ]
    assert long.middle_daily.seconds == 3


def test_a_table_has_a_rule_below_its_header():
    measured = Measured("load", 2.0, 4.0, 1000, "rows")
    assert markdown_table(("job", "seconds", "rate", "ratio"), [measured.cells]) == [
        "| job | seconds | rate | ratio |",
        "|---|---:|---:|---:|",
        "| load | 2.00 | 500 rows/s | 2.00 |",
    ]


def test_derived_tables_are_summed():
    full, more = {"a": Derived(2, 1, 10), "b": Derived(3, 0, 5)}, {"a": Derived(1), "b": Derived()}
    assert format_rows(full, more, {"a": 0.5}) == [
        ["a", "10", "2.00", "1.00", "0.50", "0", "1.00", "0.00", "3.0"],
        ["b", "5", "3.00", "0.00", "", "0", "0.00", "0.00", ""],
        ["all", "15", "5.00", "1.00", "", "0", "1.00", "0.00", "6.0"],
    ]
