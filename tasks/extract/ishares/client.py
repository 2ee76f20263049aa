"""Download holdings files from iShares."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from expectations.calendars.trading import session_dates
from tasks.extract.ishares.errors import HoldingsParseError
from tasks.extract.ishares.parse_file import PROVIDER, HoldingsFile, parse_holdings
from tasks.extract.ishares.parse_table import read_title
from tasks.extract.provider.errors import FetchError, outage
from tasks.extract.provider.http import USER_AGENT, download
from tasks.extract.provider.policy import RequestPolicy
from tasks.extract.provider.rate_limit import RateLimiter, get_rate_limiter
from tasks.http_client import Client, open_client
from warehouse.settings import Settings

# replies of gates to programs: a page in place of the file, or one of these
REFUSALS = ("html", "http_401", "http_403", "http_406")
# one may be of a single file; a gate refuses all, and is not asked again by the run
MAX_REFUSALS = 2
# longer than any closure of the exchange
MAX_CLOSED_DAYS = 14


@dataclass(frozen=True)
class IsharesSession:
    """Hold what the requests of one run share.

    Attributes:
        settings: The `ishares_` settings.
        policy: Repeats and skips requests.
        refusals: The errors of each URL of `ishares_urls` that refused this program.
    """

    settings: Settings
    policy: RequestPolicy
    refusals: dict[str, list[FetchError]] = field(default_factory=dict)


def start_session(settings: Settings) -> IsharesSession:
    """Return the session of a run; no request is sent."""
    policy = RequestPolicy(
        get_rate_limiter(PROVIDER, settings.ishares_requests_per_second),
        attempts=settings.ishares_attempts,
        backoff_seconds=settings.ishares_backoff_seconds,
    )
    return IsharesSession(settings, policy)


def open_http_client(settings: Settings) -> Client:
    """Open the HTTP client of a batch."""
    return open_client(
        settings.ishares_timeout_seconds,
        headers={"User-Agent": USER_AGENT, "Accept": "text/csv,*/*"},
        follow_redirects=True,
    )


def fetch_holdings(
    client: Client,
    session: IsharesSession,
    fund: Mapping[str, str],
    holdings_date: date | None,
    today: date,
) -> HoldingsFile:
    """Download and parse a fund's holdings file, the newest if no date is given.

    The URLs of `ishares_urls` are requested in order until one sends a usable file; one that
    refuses this program again is left out.

    Raises:
        FetchError: None did.
    """
    errors = []
    for url in session.settings.ishares_urls:
        if holdings_date is not None and "{as_of" not in url:
            continue  # it has the newest file only
        refusals = session.refusals.setdefault(url, [])
        if len(refusals) >= MAX_REFUSALS:
            errors.append(refusals[-1])
            continue
        try:
            return _fetch(client, session.policy.limiter, url, fund, holdings_date, today)
        except FetchError as error:
            if error.status == "throttled":
                raise  # other URLs of a provider that asks for a pause have to wait, too
            if error.status == "refused" and error.reason in REFUSALS:
                refusals.append(error)
            errors.append(error)
    raise _most_telling_error(errors, fund["fund"], is_dated=holdings_date is not None)


def _fetch(
    client: Client,
    limiter: RateLimiter,
    template: str,
    fund: Mapping[str, str],
    holdings_date: date | None,
    today: date,
) -> HoldingsFile:
    """Download and parse the file of one URL.

    Raises:
        FetchError: There is no usable file, or it is of another day than requested.
    """
    name = fund["fund"]
    # the newest file that there can be is of the session before today
    newest = session_dates(today - timedelta(MAX_CLOSED_DAYS), today - timedelta(1))[-1]
    url = template.format_map({**fund, "as_of": holdings_date or newest})
    try:
        file = _parse(download(client, limiter, url, name).content, fund, url)
    except FetchError as error:
        if error.reason not in REFUSALS:
            raise
        detail = f"{error.detail} iShares refuses programs here."
        raise FetchError("refused", error.reason, detail) from error
    if file.as_of_date is None or holdings_date not in (None, file.as_of_date):
        sent, requested = file.as_of_date or "no day", holdings_date or "the newest day"
        detail = f"iShares has no file of {name} for {requested}; {url} sent one for {sent}."
        raise FetchError("empty", "no_file_for_date", detail)
    check_file(file, name, url, today)
    return file


def _most_telling_error(errors: Sequence[FetchError], fund: str, *, is_dated: bool) -> FetchError:
    """Return the error of a file that no URL sent.

    An error that another attempt may overcome comes first: the URL may have the file. That a day
    has no file is iShares' answer, also where other URLs refused; without a day it only says that
    one URL has none.
    """

    def rank(error: FetchError) -> int:
        if error.is_retryable:
            return 0
        if error.status == "empty":
            return 1 if is_dated else 3
        return 2

    first = min(errors, key=rank)
    detail = first.detail
    if others := ", ".join(error.reason for error in errors if error is not first):
        detail += f" From the other URLs: {others}."
    if first.reason in REFUSALS:
        detail += (
            " Save the file with a browser and load it with"
            f" rotation import-holdings FILE --fund {fund}."
        )
    return FetchError(
        first.status,
        first.reason,
        detail,
        is_retryable=first.is_retryable,
        retry_after_seconds=first.retry_after_seconds,
    )


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
