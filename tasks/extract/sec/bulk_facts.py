"""Download companyfacts.zip, the SEC's nightly bulk file of all companies' facts."""

import os
import time
import zipfile
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.trading import new_york_date
from tasks.extract.provider.errors import FetchError, outage
from tasks.extract.provider.fetch_log import StartedFetch, to_frame
from tasks.extract.provider.http import connection_error
from tasks.extract.sec.client import WWW, SecSession
from tasks.http_client import HttpError
from warehouse.settings import Settings

NAME = "companyfacts.zip"
URL = f"{WWW}/Archives/edgar/daily-index/xbrl/{NAME}"
# the first bytes of every zip file
MAGIC = b"PK"
# Reuse a downloaded bulk file for 24 h after an interrupted load; newer filings come via the daily
# index.
ARCHIVE_TTL_SECONDS = 24 * 3600


class CompanyFactsZip:
    """Read the facts of single companies from a downloaded bulk file, from any thread."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            zipfile.BadZipFile: The file is no zip file, or is cut off.
        """
        self.path = path
        self._zip = zipfile.ZipFile(path)

    def read(self, cik: int) -> Any:
        """Return the facts of a company.

        Raises:
            FetchError: The file has no facts of it, or is damaged there.
        """
        try:
            return orjson.loads(self._zip.read(f"CIK{cik:010}.json"))
        except KeyError:
            detail = f"{NAME} has no facts of company {cik}."
            raise FetchError("not_found", "no_such_key", detail) from None
        except (zipfile.BadZipFile, ValueError) as error:
            detail = f"{NAME} is damaged at company {cik}: {error}"
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
        """Close the file, and delete it unless an error interrupted its use."""
        self._zip.close()
        if error is None:
            self.path.unlink(missing_ok=True)


def _folder(settings: Settings) -> Path:
    return settings.home.absolute() / "sec"


def has_cached_archive(settings: Settings) -> bool:
    """Return whether an interrupted load left a recent bulk file; delete an outdated one."""
    complete_file = _folder(settings) / NAME
    if complete_file.exists() and time.time() - complete_file.stat().st_mtime > ARCHIVE_TTL_SECONDS:
        complete_file.unlink()
    return complete_file.exists()


@task(name="download companyfacts.zip", cache_policy=NO_CACHE)
def download_archive(now: datetime, sec: SecSession) -> tuple[CompanyFactsZip | None, pd.DataFrame]:
    """Download the bulk file of all companies' facts, resuming a partial download.

    Returns:
        The bulk file, None if the download failed, and a frame of one fetch record.

    Source:
        https://www.sec.gov/Archives/edgar/daily-index/xbrl/companyfacts.zip, published every night
        at about 03:00 New York with all facts filed by then; over 1 GB. Public domain.
    """
    fetch = StartedFetch("sec", "company_fact", NAME, None, new_york_date(now))
    folder = _folder(sec.settings)
    folder.mkdir(parents=True, exist_ok=True)
    result = sec.policy.call(lambda: _download(folder, sec))
    size = result.value.path.stat().st_size if result.value else 0
    record = fetch.finish(result.error, result.attempts, detail=f"{size:,} bytes.")
    return result.value, to_frame([record])


def _download(folder: Path, sec: SecSession) -> CompanyFactsZip:
    complete_file = folder / NAME
    if has_cached_archive(sec.settings):
        return CompanyFactsZip(complete_file)
    part, version_file = folder / f"{NAME}.part", folder / f"{NAME}.version"
    _download_part(part, version_file, sec)
    os.replace(part, complete_file)
    version_file.unlink(missing_ok=True)
    try:
        return CompanyFactsZip(complete_file)
    except zipfile.BadZipFile as error:
        complete_file.unlink()
        detail = f"{URL} sent a cut off or damaged file: {error}; it is downloaded again."
        raise outage("corrupt_archive", detail) from error


def _download_part(part: Path, version_file: Path, sec: SecSession) -> None:
    """Append the missing bytes to a partial download, or start again for another version."""
    stored = part.stat().st_size if part.exists() and version_file.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if stored:
        # If-Range: another night's file is sent complete, never appended to this part
        headers |= {"Range": f"bytes={stored}-", "If-Range": version_file.read_text()}
    sec.client.limiter.acquire()
    blocks = sec.client.block_count
    try:
        with sec.client.http.stream("GET", URL, headers=headers) as response:
            if response.status_code == 416:
                part.unlink()
                raise outage("range", f"{URL} has no such part.")
            # unbuffered: buffered bytes would be lost with the connection
            chunks = response.iter_raw()
            first = next(chunks, b"")
            is_rest = response.status_code == 206
            sec.client.raise_for_block(response, first, NAME, blocks)
            if not is_rest and not first.startswith(MAGIC):
                raise outage("not_zip", f"{URL} sent no zip file.")
            if not is_rest:
                version_file.unlink(missing_ok=True)
                part.unlink(missing_ok=True)
                if version := response.headers.get("ETag") or response.headers.get("Last-Modified"):
                    version_file.write_text(version)
            with part.open("ab") as file:
                file.write(first)
                for chunk in chunks:
                    file.write(chunk)
    except HttpError as error:
        raise connection_error(URL, NAME, error) from error
