"""Differences that end: both sources agree again, or nothing is left to compare."""

from datetime import date

import pandas as pd

from tasks.extract.provider.fetch_log import FETCH_COLUMNS
from tasks.extract.provider.frames import typed_frame
from tasks.load.price_discrepancies import EndedItems, store_comparison
from tasks.run.context import open_run
from tasks.validate.compare_prices import Comparison

THURSDAY, FRIDAY = date(2026, 2, 12), date(2026, 2, 13)
OPEN = """
select ticker, session_date::text from audit.price_discrepancy
where resolved_at is null order by ticker, session_date
"""


def test_a_difference_ends_with_its_ticker_or_its_session(settings, query):
    found = [
        Comparison(ticker, day, "close", 50.0, 51.0, is_different=True)
        for ticker in ("AAA", "BBB", "CCC")
        for day in (THURSDAY, FRIDAY)
    ]
    no_fetches: pd.DataFrame = typed_frame([], FETCH_COLUMNS)
    with open_run("price-check", settings, publish_artifact=False) as run:
        store_comparison.fn(no_fetches, found, EndedItems(), "tiingo", run.writer)
    ended = EndedItems(["AAA"], [("BBB", THURSDAY)])
    with open_run("price-check", settings, publish_artifact=False) as run:
        counts = store_comparison.fn(no_fetches, [], ended, "tiingo", run.writer)
    assert (counts.new, counts.open, counts.resolved) == (0, 0, 3)
    assert query(settings, OPEN) == [
        ("BBB", "2026-02-13"),
        ("CCC", "2026-02-12"),
        ("CCC", "2026-02-13"),
    ]


def test_a_difference_ends_when_both_agree_and_opens_again(settings, query):
    no_fetches: pd.DataFrame = typed_frame([], FETCH_COLUMNS)

    def store(source_value: float) -> tuple[int, int, int]:
        found = Comparison(
            "AAA", FRIDAY, "close", 50.0, source_value, is_different=source_value != 50.0
        )
        with open_run("price-check", settings, publish_artifact=False) as run:
            counts = store_comparison.fn(no_fetches, [found], EndedItems(), "tiingo", run.writer)
        return counts.new, counts.open, counts.resolved

    assert store(51.0) == (1, 0, 0)
    assert store(50.0) == (0, 0, 1)
    assert query(settings, OPEN) == []
    # it is not new: its first run is known
    assert store(52.0) == (0, 1, 0)
    times = "select last_seen_at > first_seen_at, resolved_at is null from audit.price_discrepancy"
    assert query(settings, times) == [(True, True)]
