"""Backfills that can't be: refused with words that say what is wrong and what to do."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.request import (
    NO_END_DATE,
    NO_START_DATE,
    InvalidBackfillRequest,
    ResolvedRequest,
    resolve_request,
)
from warehouse.settings import Settings

# a Friday evening; the Monday after is Presidents' Day
INSTANT = datetime(2026, 2, 13, 23, tzinfo=UTC)
DATASETS = ("prices", "macro", "holdings")


def ask(settings: Settings, instant: datetime = INSTANT, **parameters: Any) -> ResolvedRequest:
    return resolve_request(parameters, DATASETS, instant, settings)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"dataset": "weather"}, "dataset 'weather' is none of prices, macro, holdings."),
        ({"index": "R3000"}, "index 'R3000' is none of none, R2000, SP500"),
        ({"mode": "some"}, "mode: Input should be 'missing', 'failed', 'stale' or 'all'"),
        ({"order": "by chance"}, "order: Input should be 'oldest first'"),
        ({"parallelism": 0}, "parallelism: Input should be greater than or equal to 1, got 0."),
        ({"parallelism": 9}, "parallelism: Input should be less than or equal to 8, got 9."),
        ({"start": "2026-02-31"}, "start: Input should be a valid date"),
        ({"end": "yesterday"}, "end: Input should be a valid date"),
        ({"tickers": ["aapl"]}, "tickers.0: String should match pattern"),
        ({"tickers": ["AAPL'; drop table core.daily_price"]}, "tickers.0: String should match"),
        ({"tickers": "AAPL"}, "tickers: Input should be a valid tuple"),
        ({"dataset": "macro", "series_ids": ["CPI&x=1"]}, "series_ids.0: String should match"),
        ({"colour": "blue"}, "colour: Extra inputs are not permitted"),
        (
            {"start": "2024-03-01", "end": "2024-02-01"},
            "end 2024-02-01 is before start 2024-03-01: exchange them.",
        ),
        ({"end": "2026-02-14"}, "end 2026-02-14 is in the future, today is 2026-02-13"),
        ({"start": "2026-03-01"}, "start 2026-03-01 is in the future"),
        ({"start": "1920-01-02"}, "is before the warehouse's first session, 1927-12-30"),
        ({"start": "2026-02-07", "end": "2026-02-08"}, "no session has closed between"),
        ({"start": "2025-12-25", "end": "2025-12-25"}, "2025-12-24 lies nearest"),
        ({"start": "2025-01-09", "end": "2025-01-09"}, "no session has closed between"),
        ({"dataset": "holdings", "start": "2026-02-13"}, "the newest that counts is 2026-02-12"),
        ({"tickers": ["IWN"]}, "tickers names IWN, which the warehouse does not follow."),
        ({"tickers": ["IWMM"]}, "Was IWM meant? To follow a new one, add a row"),
        ({"dataset": "macro", "series_ids": ["UNRAT"]}, "Was UNRATE meant?"),
        ({"index": "R2000"}, "no holdings file of R2000 is held"),
        ({"index": "R2000", "tickers": ["IWM"]}, "tickers and index are both given"),
        ({"dataset": "macro", "index": "SP500"}, "index says nothing about macro"),
        ({"dataset": "macro", "tickers": ["IWM"]}, "tickers says nothing about macro"),
        ({"dataset": "holdings", "tickers": ["IWM"]}, "name an index"),
        ({"series_ids": ["UNRATE"]}, "series_ids are for macro, not for prices"),
    ],
)
def test_it_is_refused_and_told_why(
    module_warehouse: Settings, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidBackfillRequest) as refused:
        ask(module_warehouse, **parameters)
    assert words in str(refused.value)


def test_every_fault_is_told_at_once(module_warehouse: Settings) -> None:
    with pytest.raises(InvalidBackfillRequest) as refused:
        ask(
            module_warehouse, dataset="macro", tickers=["IWM"], start="2026-03-02", end="2026-03-01"
        )
    for words in ("tickers says nothing", "end 2026-03-01 is before", "start 2026-03-02 is in the"):
        assert words in str(refused.value)


def test_the_defaults_mean_all_there_is(module_warehouse: Settings) -> None:
    scope = ask(module_warehouse)
    assert (scope.start, scope.end) == (date(1927, 12, 30), date(2026, 2, 13))
    assert {"IWM", "^RUT", "SPY"} <= set(scope.items)
    assert (
        ask(module_warehouse, dataset="macro").start,
        len(ask(module_warehouse, dataset="macro").items),
    ) == (
        None,
        24,
    )
    holdings = ask(module_warehouse, dataset="holdings")
    assert (holdings.start, holdings.end, holdings.items) == (
        None,
        date(2026, 2, 12),
        ("IVV", "IWM"),
    )


def test_a_field_left_empty_counts_as_not_given(module_warehouse: Settings) -> None:
    given = {"start": None, "end": None, "tickers": ["SPY", "IWM", "SPY"], "parallelism": 8}
    scope = ask(module_warehouse, **given)
    assert (scope.request.start, scope.request.end) == (NO_START_DATE, NO_END_DATE)
    assert scope.items == ("IWM", "SPY")
    assert scope.settings.yahoo_concurrency == 8


@pytest.mark.parametrize(
    ("instant", "end"),
    [
        # half an hour before the close and after it; a half day; a closed day; a Sunday
        ("2026-02-13T20:30:00+00:00", "2026-02-12"),
        ("2026-02-13T21:00:00+00:00", "2026-02-13"),
        ("2025-11-28T18:00:00+00:00", "2025-11-28"),
        ("2026-02-16T23:00:00+00:00", "2026-02-13"),
        ("2026-02-15T23:00:00+00:00", "2026-02-13"),
    ],
)
def test_a_session_counts_when_it_has_closed(
    module_warehouse: Settings, instant: str, end: str
) -> None:
    scope = ask(module_warehouse, datetime.fromisoformat(instant))
    assert scope.end == date.fromisoformat(end)


def test_a_warehouse_that_starts_late_begins_there(module_warehouse: Settings) -> None:
    late = module_warehouse.model_copy(update={"history_start": date(2015, 1, 2)})
    assert ask(late).start == date(2015, 1, 2)
    with pytest.raises(InvalidBackfillRequest, match="set ROTATION_HISTORY_START earlier"):
        ask(late, start="2014-12-31")
