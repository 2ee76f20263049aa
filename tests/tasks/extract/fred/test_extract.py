"""Macro series through the real fredapi, over real sockets, from the sandbox."""

import logging
import pickle
import traceback
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

import pytest
from pydantic import SecretStr

from deployments.sandbox.client import Sandbox
from tasks.extract.fred.errors import to_fetch_error
from tasks.extract.fred.extract import InvalidSeriesId, MacroExtract, SeriesRequest
from warehouse.settings import Settings

CLOCK = datetime(2024, 6, 7, 22, tzinfo=UTC)
VINTAGES = {"host": "api.stlouisfed.org", "path": "vintagedates"}
OBSERVATIONS = {"host": "api.stlouisfed.org", "path": "observations"}


def extract(
    worker: Any, settings: Settings, *requests: SeriesRequest, now: datetime = CLOCK
) -> MacroExtract:
    """Extract in the worker's process."""
    batch: MacroExtract = worker.call(
        "tasks.extract.fred.extract:extract_macro", requests, now, settings
    )
    return batch


def outcome(batch: MacroExtract) -> list[tuple[str, str | None, int, int]]:
    """Status, reason, rows and attempts of each fetch."""
    columns = ["status", "reason", "rows", "attempts"]
    fetches = batch.fetches[columns].astype(object).where(batch.fetches[columns].notna(), None)
    return list(fetches.itertuples(index=False, name=None))


def listed(batch: MacroExtract) -> list[tuple[str, str, float | None]]:
    """Observation, vintage and value of each row."""
    return [
        (f"{row.observation_date:%m-%d}", f"{row.vintage_date:%m-%d}", row.value)
        for row in batch.observations.fillna({"value": -1}).itertuples()
    ]


CPI = SeriesRequest("CPIAUCSL")
HELD = [
    ("01-01", "04-10", -1),
    ("02-01", "04-10", 311.1),
    ("03-01", "04-10", 312.1),
    ("03-01", "05-15", 312.2),
    ("04-01", "05-15", 313.2),
]


def test_all_vintages_and_then_only_new_ones(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    batch = extract(worker, settings, CPI)
    assert sorted(listed(batch)) == HELD
    assert batch.observations["missing_reason"].dropna().tolist() == ["not_observed"]

    known = SeriesRequest("CPIAUCSL", latest_stored_vintage=date(2024, 5, 15))
    again = extract(worker, settings, known)
    assert sorted(listed(again)) == [HELD[3], HELD[4]]  # the newest held vintage, truly dated
    assert again.fetches.loc[0, "detail"].startswith("No new vintage")

    sandbox.set_clock(CLOCK + timedelta(days=10))
    later = extract(worker, settings, known, now=CLOCK + timedelta(days=10))
    assert sorted(listed(later)) == [HELD[3], HELD[4], ("05-01", "06-12", 313.0)]


@pytest.mark.parametrize(
    ("kind", "where", "options", "expected"),
    [
        ("status", VINTAGES, {"status": 429}, ("loaded", None, 5, 3)),
        ("status", VINTAGES, {"status": 429, "count": 2}, ("throttled", "throttled", 0, 2)),
        ("status", OBSERVATIONS, {"status": 500, "count": 2}, ("outage", "http_500", 0, 3)),
        ("status", OBSERVATIONS, {"status": 403, "count": 2}, ("outage", "http_403", 0, 3)),
        ("status", OBSERVATIONS, {"status": 503, "count": 2}, ("outage", "http_503", 0, 3)),
        ("html_200", VINTAGES, {"count": 2}, ("outage", "malformed", 0, 2)),
        ("html_200", OBSERVATIONS, {"count": 2}, ("outage", "not_xml", 0, 3)),
        ("truncate", OBSERVATIONS, {"count": 2}, ("outage", "not_xml", 0, 3)),
        ("empty", OBSERVATIONS, {"count": 2}, ("outage", "not_xml", 0, 3)),
        ("hang", VINTAGES, {"seconds": 600, "count": 2}, ("outage", "timeout", 0, 2)),
    ],
)
def test_each_fault_has_its_name(
    sandbox: Sandbox,
    worker: Any,
    settings: Settings,
    impatient: Settings,
    kind: str,
    where: dict[str, str],
    options: dict[str, Any],
    expected: tuple[str, str | None, int, int],
) -> None:
    sandbox.add_fault(kind, **where, **options)
    batch = extract(worker, impatient if kind == "hang" else settings, CPI)
    assert outcome(batch) == [expected]
    assert len(batch.observations) == expected[2]


def test_a_cut_connection_is_an_outage(sandbox: Sandbox, worker: Any, settings: Settings) -> None:
    sandbox.add_fault("reset", **OBSERVATIONS, count=2)
    ((status, reason, _, attempts),) = outcome(extract(worker, settings, CPI))
    assert (status, attempts) == ("outage", 3)
    # how much came before it is the network's business
    assert reason in ("connection_reset", "truncated")


def test_a_reply_at_the_limit_is_not_used(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    first = date(1980, 1, 1)
    days = (first + timedelta(days=k) for k in range(10_000))
    body = "".join(f"<vintage_date>{day}</vintage_date>" for day in days)
    body = f"<vintage_dates>{body}</vintage_dates>"
    sandbox.add_fault("status", **VINTAGES, status=200, body=body, content_type="text/xml")
    assert outcome(extract(worker, settings, CPI)) == [("refused", "response_limit_reached", 0, 1)]


def test_one_unknown_series_does_not_lose_the_others(worker: Any, settings: Settings) -> None:
    batch = extract(worker, settings, SeriesRequest("NOPE"), CPI)
    assert outcome(batch) == [("not_found", "unknown_series", 0, 1), ("loaded", None, 5, 2)]


@pytest.mark.parametrize("key", ["f" * 32, "ABC", "with space", "a&b=c"])
def test_a_bad_key_is_refused_once(
    sandbox: Sandbox, worker: Any, settings: Settings, key: str
) -> None:
    settings = settings.model_copy(update={"fred_api_key": SecretStr(key)})
    batch = extract(worker, settings, CPI, SeriesRequest("UNRATE"))
    assert [row[:2] for row in outcome(batch)] == [("refused", "invalid_api_key")] * 2
    assert len(sandbox.requests()) <= 1
    assert key not in batch.fetches.to_csv() + repr(pickle.dumps(batch))


def test_the_key_is_in_no_error(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    assert settings.fred_api_key
    secret = settings.fred_api_key.get_secret_value()
    url = f"https://api.stlouisfed.org/fred/series?series_id=X&api_key={secret}"
    leaky = ValueError(f"URL can't contain control characters. {url!r}")
    leaky.__context__ = HTTPError(url, 400, "Bad Request", {}, None)  # type: ignore[arg-type]
    fault = to_fetch_error("X", leaky, settings.fred_api_key)
    shown = [str(fault), repr(fault), fault.detail, repr(vars(fault)), caplog.text]
    assert not any(secret in text for text in shown)


def test_the_key_is_in_no_traceback_log_or_frame(
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
        text = worker.call(f"{__name__}:show_fault", settings)
        assert "FetchError" in text
        assert " context None cause None " in text
        assert secret not in text
    sandbox.add_fault("status", **VINTAGES, status=500, count=2)
    batch = extract(worker, settings, CPI)
    assert secret.encode() not in pickle.dumps(batch)


def show_fault(settings: Settings) -> str:
    """Everything that a fault and its chain say; run in the worker's process."""
    from tasks.extract.fred.client import FredClient
    from tasks.extract.provider.errors import FetchError
    from tasks.extract.provider.rate_limit import RateLimiter

    logging.getLogger().setLevel(logging.DEBUG)
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(repr(vars(record)))

    handler = Keep(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    assert settings.fred_api_key
    client = FredClient(settings.fred_api_key, RateLimiter(1000), 2)
    try:
        client.vintage_dates("CPIAUCSL")
    except FetchError as fault:
        chain = "".join(traceback.format_exception(fault))
        chain += f" context {fault.__context__!r} cause {fault.__cause__!r} "
        return chain + repr(fault) + repr(vars(fault)) + repr(vars(client)) + "".join(records)
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    return "no fault"


def test_without_a_key_the_csv_brings_changes(
    sandbox: Sandbox, worker: Any, settings: Settings
) -> None:
    keyless = settings.model_copy(update={"fred_api_key": None})
    first = extract(worker, keyless, CPI)
    assert sorted(listed(first)) == [
        ("01-01", "06-07", -1),
        ("02-01", "06-07", 311.1),
        ("03-01", "06-07", 312.2),
        ("04-01", "06-07", 313.2),
    ]
    held = first.observations[["observation_date", "value"]]
    known = SeriesRequest("CPIAUCSL", stored_latest=held)
    assert outcome(extract(worker, keyless, known)) == [("loaded", None, 0, 1)]
    sandbox.set_clock(CLOCK + timedelta(days=10))
    later = extract(worker, keyless, known, now=CLOCK + timedelta(days=10))
    assert listed(later) == [("05-01", "06-17", 313.0)]
    assert outcome(extract(worker, keyless, SeriesRequest("NOPE"))) == [
        ("not_found", "unknown_series", 0, 1)
    ]
    sandbox.add_fault("html_200", host="fred.stlouisfed.org", count=2)
    assert outcome(extract(worker, keyless, CPI)) == [("outage", "html", 0, 2)]


def test_odd_ids_are_never_sent() -> None:
    for series_id in ("", "CPI&limit=2", "CPI AUCSL", "cpi", "CPI\n", "A" * 26):
        with pytest.raises(InvalidSeriesId, match="no FRED id"):
            SeriesRequest(series_id)
