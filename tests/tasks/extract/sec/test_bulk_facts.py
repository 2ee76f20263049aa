"""The archive of all companies: downloaded in parts, read by company, never taken when damaged."""

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


def packed(value: int) -> bytes:
    """An archive of two companies; the second one's facts are of another company."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for cik, said in ((1, 1), (2, 3)):
            fact = {
                "end": "2023-12-31", "val": value, "accn": "0000000001-24-000001", "fy": 2023,
                "fp": "FY", "form": "10-K", "filed": "2024-02-20",
            }  # fmt: skip
            tags = {"LongTermDebt": {"units": {"USD": [fact]}}}
            content = {"cik": said, "entityName": "A", "facts": {"us-gaap": tags}}
            archive.writestr(f"CIK{cik:010}.json", orjson.dumps(content))
    return file.getvalue()


class Server(ThreadingHTTPServer):
    """A server of one file that sends parts of it, and breaks off where it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.version = packed(5), '"night-1"'
        self.breaks_after: list[int | None] = []
        self.asked: list[tuple[str | None, str | None]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
        self.server.asked.append((wanted, condition))
        body, status = self.server.body, 200
        if wanted and condition == self.server.version:
            body, status = body[int(wanted[len("bytes=") : -1]) :], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/zip")
        self.send_header("ETag", self.server.version)
        self.end_headers()
        cut = self.server.breaks_after.pop(0) if self.server.breaks_after else None
        self.wfile.write(body[:cut])

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


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
    swift = {
        "sec_user_agent": SecretStr("Rotation Tests tests@example.com"),
        "sec_requests_per_second": 1000.0,
        "sec_backoff_seconds": 0.0,
        "sec_timeout_seconds": 5.0,
        "sec_attempts": 2,
    }
    with open_sec_session(module_warehouse.model_copy(update=swift)) as opened:
        # the archive's folder is the test's own, the database the module's
        yield SecSession(
            opened.client, opened.policy, module_warehouse.model_copy(update={"home": tmp_path})
        )


def value_of(archive: CompanyFactsZip | None) -> int:
    assert archive is not None
    debt = archive.read(1)["facts"]["us-gaap"]["LongTermDebt"]
    return int(debt["units"]["USD"][0]["val"])


def test_a_download_that_breaks_off_goes_on_where_it_was(store: Server, sec: SecSession) -> None:
    store.breaks_after = [100]
    archive, fetches = download_archive.fn(NOW, sec)
    assert value_of(archive) == 5
    assert store.asked == [(None, None), ("bytes=100-", '"night-1"')]
    assert fetches[["item", "status", "attempts"]].to_numpy().tolist() == [
        ["companyfacts.zip", "loaded", 2]
    ]


def test_a_part_of_another_night_is_not_stitched(store: Server, sec: SecSession) -> None:
    store.breaks_after = [100, 0]
    archive, fetches = download_archive.fn(NOW, sec)
    assert archive is None
    assert fetches["status"].to_list() == ["outage"]
    store.body, store.version = packed(6), '"night-2"'
    archive, _ = download_archive.fn(NOW, sec)
    assert value_of(archive) == 6
    assert store.asked[-1] == ("bytes=100-", '"night-1"')


def test_a_damaged_archive_is_downloaded_anew(store: Server, sec: SecSession) -> None:
    whole = store.body
    store.body = whole[: len(whole) // 2]
    archive, fetches = download_archive.fn(NOW, sec)
    assert archive is None
    assert fetches["reason"].to_list() == ["corrupt_archive"]
    store.body = whole
    assert value_of(download_archive.fn(NOW, sec)[0]) == 5


def test_a_page_in_its_place_is_no_archive(store: Server, sec: SecSession) -> None:
    store.body = b"<html>We are improving our service.</html>"
    archive, fetches = download_archive.fn(NOW, sec)
    assert archive is None
    assert fetches["reason"].to_list() == ["html"]


def test_a_fill_that_was_stopped_goes_on_with_its_archive_and_a_whole_one_clears_up(
    store: Server, sec: SecSession
) -> None:
    archive, _ = download_archive.fn(NOW, sec)
    assert archive is not None
    with pytest.raises(KeyboardInterrupt), archive:
        raise KeyboardInterrupt
    assert has_cached_archive(sec.settings)
    again, _ = download_archive.fn(NOW, sec)
    assert len(store.asked) == 1
    assert again is not None
    with again:
        assert value_of(again) == 5
    assert not has_cached_archive(sec.settings)


def test_companies_are_read_from_it_without_a_request(store: Server, sec: SecSession) -> None:
    archive, _ = download_archive.fn(NOW, sec)
    assert archive is not None
    requests = [CompanyRequest(cik, fetch_profile=False) for cik in (1, 2, 9)]
    batch = extract_companies.fn(requests, NOW, sec, archive)
    outcomes = batch.fetches[["item", "status", "reason"]].fillna("").to_numpy().tolist()
    assert outcomes == [
        ["1", "loaded", ""],
        ["2", "outage", "malformed"],
        ["9", "not_found", "no_such_key"],
    ]
    assert batch.facts["value"].to_list() == [5.0]
    assert len(store.asked) == 1


def test_a_member_that_is_damaged_is_an_outage(store: Server, sec: SecSession) -> None:
    body = bytearray(store.body)
    at = body.index(b"LongTermDebt")
    body[at : at + 4] = b"Shor"
    store.body = bytes(body)
    archive, _ = download_archive.fn(NOW, sec)
    assert archive is not None
    with pytest.raises(FetchError, match="damaged at company 1"):
        archive.read(1)
