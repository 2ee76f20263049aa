"""Download holdings files from iShares."""

import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tasks.extract.ishares.errors import HoldingsParseError
from tasks.extract.ishares.parse_file import HoldingsFile, parse_holdings
from tasks.extract.ishares.parse_table import read_title
from tasks.extract.provider.errors import FetchError, outage
from tasks.extract.provider.http import USER_AGENT, download
from tasks.extract.provider.rate_limit import RateLimiter
from tasks.http_client import Client, open_client
from warehouse.settings import Settings


def open_http_client(settings: Settings) -> Client:
    """Open the HTTP client of a batch."""
    return open_client(
        settings.ishares_timeout_seconds,
        headers={"User-Agent": USER_AGENT, "Accept": "text/csv,*/*"},
        follow_redirects=True,
    )


def fetch_holdings(
    client: Client,
    limiter: RateLimiter,
    settings: Settings,
    fund: Mapping[str, str],
    holdings_date: date | None,
    today: date,
) -> HoldingsFile:
    """Download and parse a fund's holdings file, the newest if no date is given.

    Raises:
        FetchError: There is no usable file, or it is of another day than requested.
    """
    name = fund["fund"]
    values: dict[str, Any] = {**fund, "as_of": holdings_date}
    template = settings.ishares_dated_url if holdings_date else settings.ishares_latest_url
    url = template.format(**values)
    response = download(client, limiter, url, name)
    file = _parse(response.content, fund, url)
    if file.as_of_date is None or holdings_date not in (None, file.as_of_date):
        sent, requested = file.as_of_date or "no day", holdings_date or "the newest day"
        detail = f"iShares has no file of {name} for {requested}; it sent one for {sent}."
        raise FetchError("empty", "no_file_for_date", detail)
    check_file(file, name, url, today)
    return file


def read_saved_file(path: Path, fund: Mapping[str, str], today: date) -> HoldingsFile:
    """Read and parse a holdings file that was saved with a browser.

    Raises:
        FetchError: The file cannot be read, is of another fund, or is unusable; nothing of it may
            be loaded, and another attempt would not help.
    """
    try:
        content = path.read_bytes()
        file = _parse(content, fund, str(path))
    except OSError as error:
        detail = f"{fund['fund']}: {path} cannot be read: {error.strerror}."
        raise FetchError("refused", "no_file", detail) from error
    except FetchError as error:
        raise FetchError("refused", error.reason, error.detail) from error
    title = read_title(content)
    if title.casefold() != fund["name"].casefold():
        detail = (
            f"{fund['fund']}: {path} begins with {title[:80]!r}, not {fund['name']!r}. Name the"
            " file's own fund with --fund, or save the file again as the provider sends it."
        )
        raise FetchError("refused", "another_fund", detail)
    if file.as_of_date is None:
        detail = f"{fund['fund']}: {path} has a dash for its date, so it holds no holdings."
        raise FetchError("refused", "no_file_for_date", detail)
    check_file(file, fund["fund"], str(path), today)
    return file


def _parse(content: bytes, fund: Mapping[str, str], place: str) -> HoldingsFile:
    """Parse a file, whose address or path is named in errors.

    Raises:
        FetchError: It is no holdings file.
    """
    name = fund["fund"]
    try:
        return parse_holdings(content, fund)
    except HoldingsParseError as error:
        raise outage(error.reason, f"{name}: {place} is no holdings file: {error}") from error
    except (ValueError, LookupError, csv.Error) as error:
        # a file like none before costs this fund, not the run
        detail = f"{name}: {place} cannot be read: {type(error).__name__}: {error}"
        raise outage("not_csv", detail) from error


def check_file(file: HoldingsFile, fund: str, url: str, today: date) -> None:
    """Refuse a file without a single member, or of a day that has not come.

    Raises:
        FetchError: Nothing of the file may be loaded; another attempt would not help.
    """
    if file.as_of_date is not None and file.as_of_date > today:
        detail = f"{fund}: {url} sent a file of {file.as_of_date}, which is after today, {today}."
        raise FetchError("refused", "date_in_future", detail)
    if file.members.empty:
        counts = file.excluded["reason"].value_counts()
        found = ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "none"
        first = "".join(file.excluded.loc[file.excluded["reason"] != "not_equity", "line"][:1])
        detail = (
            f"{fund}: no line of {url}, as of {file.as_of_date}, is an index member: {found}."
            f" Nothing was loaded, and the members stored before stay. Compare a line, {first!r},"
            " with tasks/extract/ishares/classify_rows.py."
        )
        raise FetchError("refused", "no_members", detail)
