"""Extract from the sandbox's SEC over real sockets, with each fault.

Without Prefect: the functions of the tasks, with a warehouse for the rate limit.
"""

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from psycopg import OperationalError
from pydantic import SecretStr

from deployments.sandbox.client import Sandbox
from tasks.extract.provider.errors import FetchError
from tasks.extract.provider.rate_limit import ACQUIRE_SQL, PostgresRateLimiter
from tasks.extract.sec.client import DATA, SecSession, open_sec_session
from tasks.extract.sec.extract import (
    CompanyBatch,
    CompanyRequest,
    extract_companies,
    extract_company_tickers,
    extract_filing_index,
)
from tasks.run.signals import cancel_queries_on_signal
from tests.flows.filings import CLOCK, COMPANIES, FIRST_CIK, make_tape
from tests.tasks.extract.conftest import fetch_results
from warehouse.connect.connections import connect
from warehouse.settings import Settings

NOW = datetime.fromisoformat(CLOCK)
CIKS = [FIRST_CIK + number for number in range(COMPANIES)]
FACTS = [CompanyRequest(cik, fetch_profile=False) for cik in CIKS]
RATE_PAGES = [
    {"kind": "status", "status": 403},
    {"kind": "status", "status": 429},
    {"kind": "html_200"},
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    tape = make_tape(tmp_path_factory.mktemp("tape") / "filings")
    with Sandbox.start(tape, tmp_path_factory.mktemp("sandbox"), CLOCK) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    running.clear_faults()
    running.clear_requests()
    running.set_clock(CLOCK)
    for name, value in running.environment().items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
def sec_settings(module_warehouse: Settings) -> Settings:
    return module_warehouse.model_copy(
        update={
            "sec_user_agent": SecretStr("Rotation Tests tests@example.com"),
            "sec_requests_per_second": 1000.0,
            "sec_backoff_seconds": 0.0,
            "sec_pause_seconds": 0.3,
            "sec_timeout_seconds": 120.0,
            "sec_concurrency": 1,
        }
    )


@pytest.fixture
def sec(sandbox: Sandbox, sec_settings: Settings) -> Iterator[SecSession]:
    with open_sec_session(sec_settings) as opened:
        yield opened


def requested_files(sandbox: Sandbox) -> list[str]:
    return [entry["path"].rsplit("/", 1)[-1] for entry in sandbox.requests()]


def results(batch: CompanyBatch) -> list[tuple[str, str | None, int]]:
    """Return status, reason and attempts of each fetch."""
    found = fetch_results(batch.fetches)
    return [(status, reason, attempts) for status, reason, _, attempts in found]


@pytest.mark.parametrize("page", RATE_PAGES, ids=["403", "429", "a page with status 200"])
def test_one_block_pauses_all_requests(
    sandbox: Sandbox, sec: SecSession, page: dict[str, Any]
) -> None:
    sandbox.add_fault(path="companyfacts", **page)
    batch = extract_companies.fn(FACTS, NOW, sec)
    assert results(batch) == [("loaded", None, 2)] + [("loaded", None, 1)] * (COMPANIES - 1)
    assert sec.client.block_count == 1
    assert batch.facts["cik"].to_list() == CIKS


@pytest.mark.parametrize("page", RATE_PAGES, ids=["403", "429", "a page with status 200"])
def test_second_block_opens_the_circuit(
    sandbox: Sandbox, sec: SecSession, page: dict[str, Any]
) -> None:
    sandbox.add_fault(host="sec.gov", count=None, **page)
    batch = extract_companies.fn(FACTS, NOW, sec)
    assert results(batch)[0] == ("throttled", "throttled", 2)
    assert results(batch)[1:] == [("throttled", "throttled", 0)] * (COMPANIES - 1)
    assert len(requested_files(sandbox)) == 2
    assert batch.completed_ciks == []
    # no request to the other host or of the next batch
    reply = extract_company_tickers.fn(NOW, sec)
    assert reply.fetches[["status", "attempts"]].to_numpy().tolist() == [["throttled", 0]]
    assert len(requested_files(sandbox)) == 2


def test_concurrent_rejected_requests_count_as_one_block(sandbox: Sandbox, sec: SecSession) -> None:
    sandbox.add_fault("status", status=403, count=1)
    reply = sec.client.http.get(f"{DATA}/submissions/CIK{CIKS[0]:010}.json")
    errors = []
    for sent_after_blocks in (0, 0, 1):
        with pytest.raises(FetchError) as caught:
            sec.client.raise_for_block(reply, reply.content, "a company", sent_after_blocks)
        errors.append((caught.value.status, caught.value.is_retryable))
    assert errors == [("throttled", True), ("throttled", True), ("throttled", False)]


def test_pause_applies_to_all_processes(sec_settings: Settings) -> None:
    with (
        closing(PostgresRateLimiter("other", 1000.0, sec_settings)) as one,
        closing(PostgresRateLimiter("other", 1000.0, sec_settings)) as another,
    ):
        another.acquire()
        assert another.remaining_pause() == 0
        one.pause(600)
        one.pause(1)
        assert another.remaining_pause() > 500
        with pytest.raises(FetchError) as caught:
            another.acquire()
        assert (caught.value.status, caught.value.reason) == ("throttled", "cooldown")
        assert caught.value.is_retryable
        assert caught.value.retry_after_seconds > 500


def test_requests_of_all_processes_are_one_interval_apart(sec_settings: Settings) -> None:
    with (
        closing(PostgresRateLimiter("slow", 0.01, sec_settings)) as one,
        closing(PostgresRateLimiter("slow", 0.01, sec_settings)) as another,
    ):
        one.acquire()
        # the statement alone: `acquire` would wait 100 seconds
        waits = [
            each._query_seconds(ACQUIRE_SQL, interval=100)[0] for each in (another, one, another)
        ]
    assert [round(wait, -2) for wait in waits] == [100, 200, 300]


def test_lost_connection_keeps_rate_limit_and_pause(sec_settings: Settings) -> None:
    terminate = (
        "select count(pg_terminate_backend(pid, 60000)) from pg_stat_activity where pid = any (%s)"
    )

    def terminate_session(limiter: PostgresRateLimiter) -> None:
        backends = [limiter._connection.info.backend_pid]
        with connect(sec_settings) as connection:
            assert connection.execute(terminate, (backends,)).fetchone() == (1,)

    with closing(PostgresRateLimiter("cut", 0.01, sec_settings)) as limiter:
        limiter.acquire()
        terminate_session(limiter)
        # 100 seconds after the request acquired by the lost session
        assert round(limiter._query_seconds(ACQUIRE_SQL, interval=100)[0], -2) == 100
        terminate_session(limiter)
        limiter.pause(600)
        assert limiter.remaining_pause() > 500
    with pytest.raises(OperationalError, match="closed"):
        limiter.remaining_pause()


def test_cancelled_run_does_not_wait_for_a_reply(
    sandbox: Sandbox, sec: SecSession, sec_settings: Settings
) -> None:
    sandbox.add_fault("hang", path=f"{CIKS[1]}.json", seconds=600)

    def interrupt_the_second_request() -> None:
        while f"CIK{CIKS[1]:010}.json" not in requested_files(sandbox):
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt_the_second_request).start()
    # signal handling as in a run
    with pytest.raises(KeyboardInterrupt), cancel_queries_on_signal(sec_settings):
        extract_companies.fn(FACTS, NOW, sec)
    # not retried
    assert requested_files(sandbox).count(f"CIK{CIKS[1]:010}.json") == 1
    # the abandoned thread still waits for the reply
    assert [thread.name for thread in threading.enumerate() if "sec" in thread.name] == ["sec_0"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "truncate"}, "truncated_json"),
        ({"kind": "empty"}, "not_json"),
        ({"kind": "status", "status": 503}, "http_503"),
        ({"kind": "status", "status": 500}, "http_500"),
        ({"kind": "status", "status": 404, "body": "<html>gone</html>"}, "http_404"),
        ({"kind": "html_200", "body": "<p>We are improving our service.</p>"}, "html"),
        # the reason depends on how much was received before the reset
        ({"kind": "reset"}, "truncated|connection_reset"),
        ({"kind": "hang", "seconds": 600}, "timeout"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_outage_is_retried_and_does_not_affect_others(
    sandbox: Sandbox, sec: SecSession, fault: dict[str, Any], reason: str
) -> None:
    # the first request for one company, and all three for the other
    hangs = iter([True, False, True, True, True] if reason == "timeout" else [])

    def shorten_timeout(request: httpx.Request) -> None:
        if next(hangs, False):
            request.extensions["timeout"] = httpx.Timeout(120, read=0.5).as_dict()

    sec.client.http.event_hooks["request"].append(shorten_timeout)
    sandbox.add_fault(path=f"{CIKS[0]}.json", **fault)
    sandbox.add_fault(path=f"{CIKS[1]}.json", count=None, **fault)
    batch = extract_companies.fn(FACTS[:3], NOW, sec)
    first, (status, found, attempts), last = results(batch)
    assert (first, last) == (("loaded", None, 2), ("loaded", None, 1))
    assert (status, attempts) == ("outage", 3)
    assert re.fullmatch(reason, found)
    assert batch.completed_ciks == [CIKS[0], CIKS[2]]


def test_company_without_facts_is_complete(sandbox: Sandbox, sec: SecSession) -> None:
    batch = extract_companies.fn([CompanyRequest(999), CompanyRequest(CIKS[0])], NOW, sec)
    assert results(batch) == [
        ("not_found", "no_such_key", 1), ("loaded", None, 1), ("loaded", None, 1),
    ]  # fmt: skip
    assert batch.completed_ciks == [999, CIKS[0]]
    # the profile of a company without facts is not requested
    assert requested_files(sandbox) == ["CIK0000000999.json", *[f"CIK{CIKS[0]:010}.json"] * 2]
    detail = batch.fetches["detail"].to_list()[1]
    assert detail == (
        "1 facts of listed concepts, filed to 2024-02-20; 1 in units that are not listed."
    )


@pytest.mark.parametrize(
    ("day", "now", "outcome"),
    [
        ("2024-05-07", "2024-05-08T02:30:00+00:00", ("loaded", None, 6)),
        ("2024-05-07", "2024-05-08T01:30:00+00:00", ("empty", "not_yet_published", 0)),
        # a day without a filing of a followed company
        ("2024-04-30", "2024-05-01T12:00:00+00:00", ("loaded", None, 0)),
        # Christmas Eve 2024: the exchange was open, the government closed by decree
        ("2024-12-24", "2024-12-26T12:00:00+00:00", ("empty", "not_yet_published", 0)),
        ("2024-12-24", "2025-01-06T12:00:00+00:00", ("empty", "never_published", 0)),
        # Columbus Day, with the exchange open: the night after, and a day later
        ("2024-10-14", "2024-10-15T12:00:00+00:00", ("empty", "not_yet_published", 0)),
        ("2024-10-14", "2024-10-16T12:00:00+00:00", ("empty", "edgar_closed", 0)),
    ],
)
def test_filing_index_of_a_day(
    sandbox: Sandbox, sec: SecSession, day: str, now: str, outcome: tuple[Any, ...]
) -> None:
    sandbox.set_clock(now)
    reply = extract_filing_index.fn(date.fromisoformat(day), datetime.fromisoformat(now), sec)
    fetch = reply.fetches.astype(object).where(reply.fetches.notna(), None).iloc[0]
    assert (fetch["status"], fetch["reason"], fetch["rows"]) == outcome
    assert fetch["window_start"] == fetch["window_end"] == datetime.fromisoformat(day)
    assert len(reply.rows) == outcome[2]


def test_truncated_index_is_an_outage(sandbox: Sandbox, sec: SecSession) -> None:
    sandbox.set_clock("2024-05-08T12:00:00+00:00")
    sandbox.add_fault("truncate", path="form.20240507", count=None)
    now = datetime(2024, 5, 8, 12, tzinfo=UTC)
    reply = extract_filing_index.fn(date(2024, 5, 7), now, sec)
    assert reply.fetches[["status", "reason"]].to_numpy().tolist() == [["outage", "malformed"]]
    assert reply.rows.empty


def test_undeclared_client_gets_a_hint(sandbox: Sandbox, sec_settings: Settings) -> None:
    update = {"sec_user_agent": SecretStr("nobody in particular"), "sec_pause_seconds": 0.0}
    with open_sec_session(sec_settings.model_copy(update=update)) as sec:
        batch = extract_companies.fn(FACTS[:1], NOW, sec)
    assert results(batch) == [("throttled", "throttled", 2)]
    assert "ROTATION_SEC_USER_AGENT" in batch.fetches["detail"].iloc[0]


@pytest.mark.parametrize(
    "words", ["nobody", "a@example.com", "Sample (Co) a@example.com", "Sample, Co a@example.com"]
)
def test_invalid_user_agent_is_rejected(words: str) -> None:
    with pytest.raises(ValueError, match="a name and an e-mail address"):
        Settings(sec_user_agent=words)


def test_live_rate_must_be_below_the_limit() -> None:
    with pytest.raises(ValueError, match="must be below 8"):
        Settings(sec_requests_per_second=8)
    assert Settings(sec_requests_per_second=8, origin="tape").sec_requests_per_second == 8
