"""Extract series from the sandbox through fredapi, over real sockets."""

import logging
import pickle
import traceback
from datetime import date, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

import pandas as pd
import pytest
from pydantic import SecretStr

from deployments.sandbox.client import Sandbox
from tasks.extract.fred.errors import to_fetch_error
from tasks.extract.fred.extract import InvalidSeriesId, MacroExtract, SeriesRequest
from tests.tasks.extract.conftest import CLOCK, fetch_results
from warehouse.settings import Settings

VINTAGES = {"host": "api.stlouisfed.org", "path": "vintagedates"}
OBSERVATIONS = {"host": "api.stlouisfed.org", "path": "observations"}


def extract(
    worker: Any, settings: Settings, *requests: SeriesRequest, now: datetime = CLOCK
) -> MacroExtract:
    """Extract in the worker process."""
    batch: MacroExtract = worker.call(
        "tasks.extract.fred.extract:extract_macro", requests, now, settings
    )
    return batch


def observations(batch: MacroExtract) -> list[tuple[str, str, float | None]]:
    """Return observation date, vintage date and value of each row."""
    return [
        (f"{row.observation_date:%m-%d}", f"{row.vintage_date:%m-%d}", row.value)
        for row in batch.observations.fillna({"value": -1}).itertuples()
    ]


CPI = SeriesRequest("CPIAUCSL")
STORED = [
    ("01-01", "04-10", -1),
    ("02-01", "04-10", 311.1),
    ("03-01", "04-10", 312.1),
    ("03-01", "05-15", 312.2),
    ("04-01", "05-15", 313.2),
]


def test_all_vintages_then_only_new_ones(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    batch = extract(worker, settings, CPI)
    assert sorted(observations(batch)) == STORED
    assert batch.observations["missing_reason"].dropna().tolist() == ["not_observed"]

    known = SeriesRequest("CPIAUCSL", latest_stored_vintage=date(2024, 5, 15))
    again = extract(worker, settings, known)
    assert sorted(observations(again)) == [
        STORED[3],
        STORED[4],
    ]  # the newest stored vintage, exactly dated
    assert again.fetches.loc[0, "detail"].startswith("No new vintage")

    sandbox.set_clock(CLOCK + timedelta(days=10))
    later = extract(worker, settings, known, now=CLOCK + timedelta(days=10))
    assert sorted(observations(later)) == [STORED[3], STORED[4], ("05-01", "06-12", 313.0)]


@pytest.mark.parametrize(
    ("kind", "where", "options", "expected"),
    [
        ("status", VINTAGES, {"status": 429}, ("loaded", None, 5, 3)),
        ("status", VINTAGES, {"status": 429, "count": 2}, ("throttled", "throttled", 0, 2)),
        ("status", OBSERVATIONS, {"status": 500, "count": 2}, ("outage", "http_500", 0, 3)),
        ("status", OBSERVATIONS, {"status": 403, "count": 2}, ("outage", "http_403", 0, 3)),
        ("status", OBSERVATIONS, {"status": 503, "count": 2}, ("outage", "http_503", 0, 3)),
        ("html_200", VINTAGES, {"count": 2}, ("outage", "html", 0, 2)),
        ("html_200", OBSERVATIONS, {"count": 2}, ("outage", "not_xml", 0, 3)),
        ("truncate", OBSERVATIONS, {"count": 2}, ("outage", "not_xml", 0, 3)),
        ("empty", OBSERVATIONS, {"count": 2}, ("outage", "not_xml", 0, 3)),
        ("hang", VINTAGES, {"seconds": 600, "count": 2}, ("outage", "timeout", 0, 2)),
    ],
)
def test_status_and_reason_of_each_fault(
    sandbox: Sandbox,
    worker: Any,
    settings: Settings,
    short_timeouts: Settings,
    kind: str,
    where: dict[str, str],
    options: dict[str, Any],
    expected: tuple[str, str | None, int, int],
) -> None:
    sandbox.add_fault(kind, **where, **options)
    batch = extract(worker, short_timeouts if kind == "hang" else settings, CPI)
    assert fetch_results(batch.fetches) == [expected]
    assert len(batch.observations) == expected[2]


def test_reset_connection_is_an_outage(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    sandbox.add_fault("reset", **OBSERVATIONS, count=2)
    ((status, reason, _, attempts),) = fetch_results(extract(worker, settings, CPI).fetches)
    assert (status, attempts) == ("outage", 3)
    # the reason depends on how much was received before the reset
    assert reason in ("connection_reset", "truncated")


def test_reply_at_the_row_limit_is_refused(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    first = date(1980, 1, 1)
    days = (first + timedelta(days=k) for k in range(10_000))
    body = "".join(f"<vintage_date>{day}</vintage_date>" for day in days)
    body = f"<vintage_dates>{body}</vintage_dates>"
    sandbox.add_fault("status", **VINTAGES, status=200, body=body, content_type="text/xml")
    batch = extract(worker, settings, CPI)
    assert fetch_results(batch.fetches) == [("refused", "response_limit_reached", 0, 1)]


def test_unknown_series_does_not_affect_others(worker: Any, settings: Settings) -> None:
    batch = extract(worker, settings, SeriesRequest("NOPE"), CPI)
    assert fetch_results(batch.fetches) == [
        ("not_found", "unknown_series", 0, 1),
        ("loaded", None, 5, 2),
    ]


@pytest.mark.parametrize("key", ["f" * 32, "ABC", "with space", "a&b=c"])
def test_invalid_key_is_sent_at_most_once(
    sandbox: Sandbox, worker: Any, settings: Settings, key: str
) -> None:
    settings = settings.model_copy(update={"fred_api_key": SecretStr(key)})
    batch = extract(worker, settings, CPI, SeriesRequest("UNRATE"))
    assert [row[:2] for row in fetch_results(batch.fetches)] == [("refused", "invalid_api_key")] * 2
    assert len(sandbox.requests()) <= 1
    assert key not in batch.fetches.to_csv() + repr(pickle.dumps(batch))


def test_no_error_contains_the_key(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    assert settings.fred_api_key
    secret = settings.fred_api_key.get_secret_value()
    url = f"https://api.stlouisfed.org/fred/series?series_id=X&api_key={secret}"
    leaky = ValueError(f"URL can't contain control characters. {url!r}")
    leaky.__context__ = HTTPError(url, 400, "Bad Request", {}, None)  # type: ignore[arg-type]
    error = to_fetch_error("X", leaky, settings.fred_api_key)
    texts = [str(error), repr(error), error.detail, repr(vars(error)), caplog.text]
    assert not any(secret in text for text in texts)


def test_no_traceback_log_or_frame_contains_the_key(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    assert settings.fred_api_key
    secret = settings.fred_api_key.get_secret_value()
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("status", {"status": 500}),
        ("status", {"status": 429}),
        ("html_200", {}),
        ("reset", {}),
    ]
    for kind, options in kinds:
        sandbox.add_fault(kind, **VINTAGES, **options)
        text = worker.call(f"{__name__}:describe_error", settings)
        assert "FetchError" in text
        assert " context None cause None " in text
        assert secret not in text
    sandbox.add_fault("status", **VINTAGES, status=500, count=2)
    batch = extract(worker, settings, CPI)
    assert secret.encode() not in pickle.dumps(batch)


def describe_error(settings: Settings) -> str:
    """Return all text of an error and the log; run in the worker process."""
    from tasks.extract.fred.client import FredClient
    from tasks.extract.provider.errors import FetchError
    from tasks.extract.provider.rate_limit import RateLimiter

    logging.getLogger().setLevel(logging.DEBUG)
    records: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(repr(vars(record)))

    handler = Collector(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    assert settings.fred_api_key
    client = FredClient(settings.fred_api_key, RateLimiter(1000), 2)
    try:
        client.vintage_dates("CPIAUCSL")
    except FetchError as error:
        chain = "".join(traceback.format_exception(error))
        chain += f" context {error.__context__!r} cause {error.__cause__!r} "
        return chain + repr(error) + repr(vars(error)) + repr(vars(client)) + "".join(records)
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    return "no error"


def test_keyless_csv_returns_changed_values(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    keyless = settings.model_copy(update={"fred_api_key": None})
    first = extract(worker, keyless, CPI)
    assert sorted(observations(first)) == [
        ("01-01", "06-07", -1),
        ("02-01", "06-07", 311.1),
        ("03-01", "06-07", 312.2),
        ("04-01", "06-07", 313.2),
    ]
    stored = first.observations[["observation_date", "value"]]
    known = SeriesRequest("CPIAUCSL", stored_latest=stored)
    assert fetch_results(extract(worker, keyless, known).fetches) == [("loaded", None, 0, 1)]
    sandbox.set_clock(CLOCK + timedelta(days=10))
    later = extract(worker, keyless, known, now=CLOCK + timedelta(days=10))
    assert observations(later) == [("05-01", "06-17", 313.0)]
    missing = extract(worker, keyless, SeriesRequest("NOPE"))
    assert fetch_results(missing.fetches) == [("not_found", "unknown_series", 0, 1)]
    sandbox.add_fault("html_200", host="fred.stlouisfed.org", count=2)
    page = extract(worker, keyless, CPI)
    assert fetch_results(page.fetches) == [("outage", "html", 0, 2)]


@pytest.mark.parametrize(
    ("first_stored", "reason"), [("2022-12-01", "later_start"), ("2023-02-01", None)]
)
def test_a_series_cut_by_a_year_has_the_reason_later_start(
    sandbox: Sandbox, worker: Any, settings: Settings, first_stored: str, reason: str | None
) -> None:
    days = pd.to_datetime([first_stored, "2024-01-01"]).astype("datetime64[s]")
    stored = pd.DataFrame({"observation_date": days, "value": [300.0, 310.0]})
    cut = SeriesRequest("CPIAUCSL", stored_latest=stored)
    keyless = settings.model_copy(update={"fred_api_key": None})
    sentence = f"before 2024-01-01 any more; 1 stored since {first_stored} are kept."
    for each in (settings, keyless):
        fetches = extract(worker, each, cut).fetches
        assert [row[:2] for row in fetch_results(fetches)] == [("loaded", reason)]
        assert fetches.loc[0, "detail"].endswith(sentence) == (reason is not None)


def test_invalid_ids_are_rejected() -> None:
    for series_id in ("", "CPI&limit=2", "CPI AUCSL", "cpi", "CPI\n", "A" * 26):
        with pytest.raises(InvalidSeriesId, match="no FRED id"):
            SeriesRequest(series_id)
