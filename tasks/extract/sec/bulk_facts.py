"""The nightly archive of all companies' facts: one download in place of thousands."""

import os
import time
import zipfile
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.trading import new_york_date
from tasks.extract.provider.fetch_log import FetchRecord, to_frame, utc_now
from tasks.extract.provider.policy import FetchError
from tasks.extract.sec.client import WWW, SecSession, connection_error
from warehouse.settings import Settings

NAME = "companyfacts.zip"
URL = f"{WWW}/Archives/edgar/daily-index/xbrl/{NAME}"
# the first bytes of every archive
MAGIC = b"PK"
# A fill that was stopped goes on with the archive that it has; what was filed since is due by the
# index.
ARCHIVE_TTL_SECONDS = 24 * 3600


class CompanyFactsZip:
    """An archive on disk; any thread may read from it."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            zipfile.BadZipFile: It is none, or cut off: its list of members stands at the end.
        """
        self.path = path
        self._zip = zipfile.ZipFile(path)

    def read(self, cik: int) -> Any:
        """The facts of a company.

        Raises:
            Fault: The archive has none of it, or can't be read there.
        """
        try:
            return orjson.loads(self._zip.read(f"CIK{cik:010}.json"))
        except KeyError:
            detail = f"The archive of all companies has no facts of company {cik}."
            raise FetchError("not_found", "no_such_key", detail) from None
        except (zipfile.BadZipFile, ValueError) as error:
            detail = f"The archive of all companies is damaged at company {cik}: {error}"
            raise FetchError("outage", "corrupt_archive", detail) from error

    def __enter__(self) -> Self:
        """Return the archive itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it; once all of it was used, it goes, since tomorrow's will differ."""
        self._zip.close()
        if error is None:
            self.path.unlink(missing_ok=True)


def _folder(settings: Settings) -> Path:
    return settings.home.absolute() / "sec"


def has_cached_archive(settings: Settings) -> bool:
    """Whether an archive is left from a fill that was stopped; one too old to go on with goes."""
    complete_file = _folder(settings) / NAME
    if complete_file.exists() and time.time() - complete_file.stat().st_mtime > ARCHIVE_TTL_SECONDS:
        complete_file.unlink()
    return complete_file.exists()


@task(name="extract archive", cache_policy=NO_CACHE)
def download_archive(now: datetime, sec: SecSession) -> tuple[CompanyFactsZip | None, pd.DataFrame]:
    """Download the archive of all companies' facts; a part that is there already is gone on with.

    Returns:
        The archive, None where it could not be had, and the ledger's entry.

    Source:
        https://www.sec.gov/Archives/edgar/daily-index/xbrl/companyfacts.zip, made every night at
        about 03:00 New York; over 1 GB.
    """
    started_at, today = utc_now(), new_york_date(now)
    folder = _folder(sec.settings)
    folder.mkdir(parents=True, exist_ok=True)
    answer = sec.dealings.call(lambda: _download(folder, sec))
    fault = answer.fault
    size = answer.value.path.stat().st_size if answer.value else 0
    fetch = FetchRecord(
        source="sec",
        dataset="company_fact",
        item=NAME,
        window_start=None,
        window_end=today,
        status=fault.status if fault else "loaded",
        reason=fault.reason if fault else None,
        detail=fault.detail if fault else f"{size:,} bytes.",
        rows=0,
        attempts=answer.attempts,
        started_at=started_at,
        finished_at=utc_now(),
    )
    return answer.value, to_frame([fetch])


def _download(folder: Path, sec: SecSession) -> CompanyFactsZip:
    part, tag, whole = folder / f"{NAME}.part", folder / f"{NAME}.version", folder / NAME
    if has_cached_archive(sec.settings):
        return CompanyFactsZip(whole)
    held = part.stat().st_size if part.exists() and tag.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if held:
        # another night's archive is sent whole, never stitched to this one's part
        headers |= {"Range": f"bytes={held}-", "If-Range": tag.read_text()}
    sec.client.pace.acquire()
    blocks = sec.client.block_count
    try:
        with sec.client.http.stream("GET", URL, headers=headers) as response:
            if response.status_code == 416:
                part.unlink()
                raise FetchError("outage", "range", f"{URL} has no such part.", is_retryable=True)
            # as it arrives: what is held back would be lost with the line
            chunks = response.iter_raw()
            first = next(chunks, b"")
            is_rest = response.status_code == 206
            sec.client.raise_for_block(response, first, "the archive of all companies", blocks)
            if not is_rest and not first.startswith(MAGIC):
                detail = f"What {URL} sent is no archive."
                raise FetchError("outage", "not_zip", detail, is_retryable=True)
            if not is_rest:
                tag.unlink(missing_ok=True)
                part.unlink(missing_ok=True)
                if version := response.headers.get("ETag") or response.headers.get("Last-Modified"):
                    tag.write_text(version)
            with part.open("ab") as file:
                file.write(first)
                for chunk in chunks:
                    file.write(chunk)
    except httpx.HTTPError as error:
        raise connection_error(URL, "the archive of all companies", error) from error
    os.replace(part, whole)
    tag.unlink(missing_ok=True)
    try:
        return CompanyFactsZip(whole)
    except zipfile.BadZipFile as error:
        whole.unlink()
        detail = f"What {URL} sent is cut off or damaged: {error}; it is downloaded anew."
        raise FetchError("outage", "corrupt_archive", detail, is_retryable=True) from error
