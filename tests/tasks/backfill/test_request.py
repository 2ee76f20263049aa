"""Test that invalid backfill requests are rejected, and valid ones resolved."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasks.backfill.request import (
    InvalidBackfillRequest,
    ResolvedRequest,
    resolve_request,
)
from warehouse.settings import Settings

# a Friday evening; the Monday after is Presidents' Day
NOW = datetime(2026, 2, 13, 23, tzinfo=UTC)
DATASETS = ("prices", "macro", "holdings")


def resolve(settings: Settings, now: datetime = NOW, **parameters: Any) -> ResolvedRequest:
    return resolve_request(parameters, DATASETS, now, settings)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dataset": "weather"}, "dataset 'weather' is none of prices, macro, holdings."),
        ({"index": "R3000"}, "index 'R3000' is none of all, R2000, SP500"),
        ({"mode": "some"}, "mode: Input should be 'missing', 'failed', 'stale' or 'all'"),
        ({"order": "by chance"}, "order: Input should be 'oldest_first'"),
        ({"parallelism": 0}, "parallelism: Input should be greater than or equal to 1, got 0."),
        ({"parallelism": 9}, "parallelism: Input should be less than or equal to 8, got 9."),
        ({"start": "2026-02-31"}, "start: Input should be a valid date"),
        ({"end": "yesterday"}, "end: Input should be a valid date"),
        ({"tickers": ["a apl"]}, "tickers: 'A APL' is no symbol; write one as Yahoo does"),
        ({"tickers": ["AAPL'; drop table core.daily_price"]}, "is no symbol; write one"),
        ({"tickers": "AAPL"}, "tickers: Input should be a valid tuple"),
        (
            {"dataset": "macro", "series_ids": ["CPI&x=1"]},
            "is no series id; write one as FRED does",
        ),
        ({"colour": "blue"}, "colour: Extra inputs are not permitted"),
        (
            {"start": "2024-03-01", "end": "2024-02-01"},
            "end 2024-02-01 is before start 2024-03-01: swap them.",
        ),
        ({"end": "2026-02-14"}, "end 2026-02-14 is in the future, today is 2026-02-13"),
        ({"start": "2026-03-01"}, "start 2026-03-01 is in the future"),
        ({"start": "1920-01-02"}, "is before the warehouse's first session, 1927-12-30"),
        ({"end": "1920-01-02"}, "no session has closed between 1927-12-30 and 1920-01-02"),
        ({"start": "2026-02-07", "end": "2026-02-08"}, "no session has closed between"),
        ({"start": "2025-12-25", "end": "2025-12-25"}, "nearest to 2025-12-25 is 2025-12-24."),
        ({"start": "2025-01-09", "end": "2025-01-09"}, "no session has closed between"),
        (
            {"dataset": "holdings", "start": "2026-02-13"},
            "the newest possible session is 2026-02-12",
        ),
        ({"tickers": ["IWN"]}, "tickers names IWN, which the warehouse does not follow."),
        ({"tickers": ["IWMM"]}, "Did you mean IWM? To follow a new one, add a row"),
        ({"dataset": "macro", "series_ids": ["UNRAT"]}, "Did you mean UNRATE?"),
        ({"index": "R2000"}, "no holdings file of R2000 is stored"),
        ({"index": "R2000", "tickers": ["IWM"]}, "tickers and index are both given"),
        ({"dataset": "macro", "index": "SP500"}, "index does not apply to macro"),
        ({"dataset": "macro", "tickers": ["IWM"]}, "tickers does not apply to macro"),
        ({"dataset": "holdings", "tickers": ["IWM"]}, "name an index"),
        ({"series_ids": ["UNRATE"]}, "series_ids does not apply to prices"),
    ],
)
def test_invalid_parameter_is_rejected_with_a_message(
    module_warehouse: Settings, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidBackfillRequest) as rejected:
        resolve(module_warehouse, **parameters)
    assert message in str(rejected.value)


def test_all_errors_are_in_one_message(module_warehouse: Settings) -> None:
    with pytest.raises(InvalidBackfillRequest) as rejected:
        resolve(
            module_warehouse, dataset="macro", tickers=["IWM"], start="2026-03-02", end="2026-03-01"
        )
    for message in (
        "tickers does not apply",
        "end 2026-03-01 is before",
        "start 2026-03-02 is in the",
    ):
        assert message in str(rejected.value)


def test_defaults_are_the_full_history_of_all_items(module_warehouse: Settings) -> None:
    prices = resolve(module_warehouse)
    assert (prices.start, prices.end) == (date(1927, 12, 30), date(2026, 2, 13))
    assert {"IWM", "^RUT", "SPY"} <= set(prices.items)
    macro = resolve(module_warehouse, dataset="macro")
    assert (macro.start, len(macro.items)) == (None, 25)
    holdings = resolve(module_warehouse, dataset="holdings")
    assert (holdings.start, holdings.end) == (None, date(2026, 2, 12))
    assert holdings.items == ("IVV", "IWM")


def test_symbols_are_read_in_lower_case(module_warehouse: Settings) -> None:
    assert resolve(module_warehouse, tickers=["iwm", " Spy "]).items == ("IWM", "SPY")
    assert resolve(module_warehouse, dataset="macro", series_ids=["unrate"]).items == ("UNRATE",)


def test_a_start_of_history_in_the_future_names_the_setting(module_warehouse: Settings) -> None:
    late = module_warehouse.model_copy(update={"history_start": date(2026, 3, 2)})
    with pytest.raises(InvalidBackfillRequest, match="ROTATION_HISTORY_START 2026-03-02 is in the"):
        resolve(late)


def test_empty_field_takes_its_default(module_warehouse: Settings) -> None:
    given = {"start": None, "end": None, "tickers": ["SPY", "IWM", "SPY"], "parallelism": 8}
    scope = resolve(module_warehouse, **given)
    assert (scope.request.start, scope.request.end) == (None, None)
    assert scope.items == ("IWM", "SPY")
    assert scope.settings.yahoo_concurrency == 8


@pytest.mark.parametrize(
    ("now", "end"),
    [
        # half an hour before the close and after it; a half day; a closed day; a Sunday
        ("2026-02-13T20:30:00+00:00", "2026-02-12"),
        ("2026-02-13T21:00:00+00:00", "2026-02-13"),
        ("2025-11-28T18:00:00+00:00", "2025-11-28"),
        ("2026-02-16T23:00:00+00:00", "2026-02-13"),
        ("2026-02-15T23:00:00+00:00", "2026-02-13"),
    ],
)
def test_last_day_is_the_newest_closed_session(
    module_warehouse: Settings, now: str, end: str
) -> None:
    scope = resolve(module_warehouse, datetime.fromisoformat(now))
    assert scope.end == date.fromisoformat(end)


def test_first_day_is_the_start_of_the_warehouse(module_warehouse: Settings) -> None:
    late = module_warehouse.model_copy(update={"history_start": date(2015, 1, 2)})
    assert resolve(late).start == date(2015, 1, 2)
    with pytest.raises(InvalidBackfillRequest, match="set ROTATION_HISTORY_START earlier"):
        resolve(late, start="2014-12-31")
