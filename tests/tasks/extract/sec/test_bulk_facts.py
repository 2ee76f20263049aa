"""Test companyfacts.zip: resumed downloads, reading by company, damaged files."""

import io
import threading
import zipfile
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from tasks.extract.provider.errors import FetchError
from tasks.extract.sec import bulk_facts
from tasks.extract.sec.bulk_facts import CompanyFactsZip, download_archive, has_cached_archive
from tasks.extract.sec.client import SecSession, open_sec_session
from tasks.extract.sec.extract import CompanyRequest, extract_companies
from tests.flows.filings import CLOCK
from warehouse.settings import Settings

NOW = datetime.fromisoformat(CLOCK)


def zip_bytes(value: int) -> bytes:
    """Return a zip file: the facts of company 2 name another CIK, those of 4 are under IFRS."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for cik, content_cik in ((1, 1), (2, 3)):
            fact = {
                "end": "2023-12-31", "val": value, "accn": "0000000001-24-000001", "fy": 2023,
                "fp": "FY", "form": "10-K", "filed": "2024-02-20",
            }  # fmt: skip
            tags = {"LongTermDebt": {"units": {"USD": [fact]}}}
            content = {"cik": content_cik, "entityName": "A", "facts": {"us-gaap": tags}}
            archive.writestr(f"CIK{cik:010}.json", orjson.dumps(content))
        shares = {"EntityCommonStockSharesOutstanding": {"units": {"shares": [fact]}}}
        content = {"cik": 4, "facts": {"dei": shares, "ifrs-full": tags}}
        archive.writestr(f"CIK{4:010}.json", orjson.dumps(content))
    return file.getvalue()


class Server(ThreadingHTTPServer):
    """Serve one file, with ranges, and break off after given numbers of bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.version = zip_bytes(5), '"night-1"'
        self.breaks_after: list[int | None] = []
        self.requests: list[tuple[str | None, str | None]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        requested, condition = self.headers.get("Range"), self.headers.get("If-Range")
        self.server.requests.append((requested, condition))
        body, status = self.server.body, 200
        if requested and condition == self.server.version:
            body, status = body[int(requested[len("bytes=") : -1]) :], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/zip")
        self.send_header("ETag", self.server.version)
        self.end_headers()
        length = self.server.breaks_after.pop(0) if self.server.breaks_after else None
        self.wfile.write(body[:length])

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        address = f"http://127.0.0.1:{running.server_port}/{bulk_facts.NAME}"
        monkeypatch.setattr(bulk_facts, "URL", address)
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def sec(module_warehouse: Settings, tmp_path: Path, store: Server) -> Iterator[SecSession]:
    update = {
        "sec_user_agent": SecretStr("Rotation Tests tests@example.com"),
        "sec_requests_per_second": 1000.0,
        "sec_backoff_seconds": 0.0,
        "sec_timeout_seconds": 5.0,
        "sec_attempts": 2,
    }
    with open_sec_session(module_warehouse.model_copy(update=update)) as opened:
        # the folder of the file is the test's own, the database the module's
        yield SecSession(
            opened.client, opened.policy, module_warehouse.model_copy(update={"home": tmp_path})
        )


def value_of(archive: CompanyFactsZip | None) -> int:
    assert archive is not None
    debt = archive.read(1)["facts"]["us-gaap"]["LongTermDebt"]
    return int(debt["units"]["USD"][0]["val"])


def test_interrupted_download_is_resumed(store: Server, sec: SecSession) -> None:
    store.breaks_after = [100]
    archive, fetches = download_archive.fn(NOW, sec)
    assert value_of(archive) == 5
    assert store.requests == [(None, None), ("bytes=100-", '"night-1"')]
    assert fetches[["item", "status", "attempts"]].to_numpy().tolist() == [
        ["companyfacts.zip", "loaded", 2]
    ]


def test_part_of_another_version_is_discarded(store: Server, sec: SecSession) -> None:
    store.breaks_after = [100, 0]
    archive, fetches = download_archive.fn(NOW, sec)
    assert archive is None
    assert fetches["status"].to_list() == ["outage"]
    store.body, store.version = zip_bytes(6), '"night-2"'
    archive, _ = download_archive.fn(NOW, sec)
    assert value_of(archive) == 6
    assert store.requests[-1] == ("bytes=100-", '"night-1"')


def test_damaged_file_is_downloaded_again(store: Server, sec: SecSession) -> None:
    complete = store.body
    store.body = complete[: len(complete) // 2]
    archive, fetches = download_archive.fn(NOW, sec)
    assert archive is None
    assert fetches["reason"].to_list() == ["corrupt_archive"]
    store.body = complete
    assert value_of(download_archive.fn(NOW, sec)[0]) == 5


def test_page_instead_of_the_file_is_an_outage(store: Server, sec: SecSession) -> None:
    store.body = b"<html>We are improving our service.</html>"
    archive, fetches = download_archive.fn(NOW, sec)
    assert archive is None
    assert fetches["reason"].to_list() == ["html"]


def test_file_is_reused_after_an_interrupted_load_and_deleted_after_a_complete_one(
    store: Server, sec: SecSession
) -> None:
    archive, _ = download_archive.fn(NOW, sec)
    assert archive is not None
    with pytest.raises(KeyboardInterrupt), archive:
        raise KeyboardInterrupt
    assert has_cached_archive(sec.settings)
    again, _ = download_archive.fn(NOW, sec)
    assert len(store.requests) == 1
    assert again is not None
    with again:
        assert value_of(again) == 5
    assert not has_cached_archive(sec.settings)


def test_companies_are_read_without_a_request(store: Server, sec: SecSession) -> None:
    archive, _ = download_archive.fn(NOW, sec)
    assert archive is not None
    requests = [CompanyRequest(cik, fetch_profile=False) for cik in (1, 2, 4, 9)]
    batch = extract_companies.fn(requests, NOW, sec, archive)
    results = batch.fetches[["item", "status", "reason"]].fillna("").to_numpy().tolist()
    assert results == [
        ["1", "loaded", ""],
        ["2", "outage", "malformed"],
        ["4", "unreadable", "ifrs"],
        ["9", "not_found", "no_such_key"],
    ]
    # the shares of a company that cannot be read are stored
    assert batch.facts["value"].to_list() == [5.0, 5.0]
    assert batch.completed_ciks == [1, 4, 9]
    assert len(store.requests) == 1


def test_damaged_company_is_an_outage(store: Server, sec: SecSession) -> None:
    body = bytearray(store.body)
    at = body.index(b"LongTermDebt")
    body[at : at + 4] = b"Shor"
    store.body = bytes(body)
    archive, _ = download_archive.fn(NOW, sec)
    assert archive is not None
    with pytest.raises(FetchError, match="damaged at company 1"):
        archive.read(1)
