"""Members of the indexes, from the holdings files of the iShares funds that follow them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import httpx
import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.extract.ishares.parse_file import (
    EXCLUDED_COLUMNS,
    MEMBER_COLUMNS,
    PROVIDER,
    HoldingsFile,
    HoldingsParseError,
    parse_holdings,
)
from tasks.extract.provider.fetch_log import FetchRecord, stack, to_frame, utc_now
from tasks.extract.provider.http import USER_AGENT, download
from tasks.extract.provider.policy import FetchError, RateLimiter, RequestPolicy, get_rate_limiter
from warehouse.base_error import RotationError
from warehouse.reference import read_reference
from warehouse.settings import Settings


class UnknownFund(RotationError):
    """A fund that reference table fund does not list."""


@dataclass(frozen=True)
class HoldingsRequest:
    """One file to ask for.

    Attributes:
        fund: A fund of reference table fund.
        holdings_date: The close that the file is to describe; None for the newest file.
    """

    fund: str
    holdings_date: date | None = None

    def __post_init__(self) -> None:
        """Refuse a fund whose page is not known, before anything is sent."""
        get_fund(self.fund)

    @property
    def item(self) -> str:
        """The fund, as the ledger names it."""
        return self.fund


@dataclass(frozen=True)
class HoldingsExtract:
    """Members and exclusions as `parse_holdings` returns them, and one fetch per request."""

    members: pd.DataFrame
    excluded: pd.DataFrame
    fetches: pd.DataFrame


def get_fund(fund: str) -> dict[str, str]:
    """The row of reference table fund.

    Raises:
        UnknownFund: There is none; add one, with the product's number and page.
    """
    rows = read_reference("fund").to_dict("records")
    for row in rows:
        if row["fund"] == fund:
            return {str(name): str(value) for name, value in row.items()}
    known = ", ".join(row["fund"] for row in rows)
    raise UnknownFund(f"fund {fund!r} is not in warehouse/reference/fund.csv, which has {known}")


@task(
    name="extract holdings",
    task_run_name="extract holdings as of {now:%Y-%m-%d %H:%M}",
    cache_policy=NO_CACHE,
)
def extract_holdings(
    requests: Sequence[HoldingsRequest],
    now: datetime,
    settings: Settings,
    dealings: RequestPolicy | None = None,
) -> HoldingsExtract:
    """What some index funds held at the close of a day.

    Args:
        requests: What to ask, one file each.
        now: The instant that counts as now, for the run's name; which file is the newest is the
            provider's to say.
        settings: The `ishares_` settings, the addresses among them.
        dealings: Of the run with iShares, where it has several batches; None: these requests are
            the whole run.

    Returns:
        One row per (fund, file_ticker, as_of_date) in `members` and in `excluded`, one per
        request in `fetches`. A file is whole or absent, never partial.

    Source:
        https://www.ishares.com/us/products/239710/ishares-russell-2000-etf (IWM) and its
        siblings; daily, for the previous close, not revised. BlackRock's terms: personal use.
    """
    pace = get_rate_limiter("ishares", settings.ishares_requests_per_second)
    if dealings is None:
        dealings = ishares_request_policy(settings)
    with httpx.Client(
        timeout=settings.ishares_timeout_seconds,
        headers={"User-Agent": USER_AGENT, "Accept": "text/csv,*/*"},
        follow_redirects=True,
    ) as client:
        results = [_extract_one(request, client, dealings, pace, settings) for request in requests]
    return HoldingsExtract(
        members=stack((found.members for found, _ in results if found), MEMBER_COLUMNS),
        excluded=stack((found.excluded for found, _ in results if found), EXCLUDED_COLUMNS),
        fetches=to_frame(fetch for _, fetch in results),
    )


def ishares_request_policy(settings: Settings) -> RequestPolicy:
    """The dealings of one run with iShares."""
    return RequestPolicy(
        get_rate_limiter("ishares", settings.ishares_requests_per_second),
        attempts=settings.ishares_attempts,
        backoff_seconds=settings.ishares_backoff_seconds,
    )


def _extract_one(
    request: HoldingsRequest,
    client: httpx.Client,
    dealings: RequestPolicy,
    pace: RateLimiter,
    settings: Settings,
) -> tuple[HoldingsFile | None, FetchRecord]:
    started_at = utc_now()
    fund = get_fund(request.fund)
    url = _url(request, fund, settings)
    answer = dealings.call(lambda: _request(request, fund, client, pace, url))
    found, fault = answer.value, answer.fault
    shown = found.as_of_date if found else request.holdings_date
    detail = (
        f"{len(found.members)} members and {len(found.excluded)} other lines of {request.fund}"
        f" as of {shown}."
        if found
        else ""
    )
    return found, FetchRecord(
        source=PROVIDER,
        dataset="index_membership",
        item=request.fund,
        window_start=shown,
        window_end=shown,
        status=fault.status if fault else "loaded",
        reason=fault.reason if fault else None,
        detail=fault.detail if fault else detail,
        rows=len(found.members) if found else 0,
        attempts=answer.attempts,
        started_at=started_at,
        finished_at=utc_now(),
    )


def _url(request: HoldingsRequest, fund: dict[str, str], settings: Settings) -> str:
    places: dict[str, Any] = fund | {"as_of": request.holdings_date}
    template = settings.ishares_dated_url if request.holdings_date else settings.ishares_latest_url
    return template.format(**places)


def _request(
    request: HoldingsRequest,
    fund: dict[str, str],
    client: httpx.Client,
    pace: RateLimiter,
    url: str,
) -> HoldingsFile:
    response = download(client, pace, url, request.fund)
    try:
        found = parse_holdings(response.content, fund)
    except HoldingsParseError as error:
        detail = f"{request.fund}: what {url} sent is no holdings file: {error}"
        raise FetchError("outage", error.reason, detail, is_retryable=True) from error
    if found.as_of_date is None or request.holdings_date not in (None, found.as_of_date):
        # a file of another day must not pass for the one asked for
        shown = found.as_of_date or "no day at all"
        asked = request.holdings_date or "the newest day"
        detail = f"iShares has no file of {request.fund} for {asked}; it sent one for {shown}."
        raise FetchError("empty", "no_file_for_date", detail)
    return found


def excluded_equity_rows(excluded: pd.DataFrame) -> pd.DataFrame:
    """Lines of asset class Equity that are no listed shares, as the quarantine keeps them.

    Cash, futures and margin are in every file and no surprise: the ledger counts them.
    """
    lines = excluded[excluded["reason"] != "not_equity"]
    return lines.rename(columns={"file_ticker": "ticker"})
