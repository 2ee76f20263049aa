"""Extract index members from the holdings files of iShares funds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from expectations.calendars.trading import new_york_date
from tasks.extract.ishares.client import (
    IsharesSession,
    fetch_holdings,
    open_http_client,
    read_saved_file,
    start_session,
)
from tasks.extract.ishares.errors import UnknownFund
from tasks.extract.ishares.parse_file import (
    EXCLUDED_COLUMNS,
    MEMBER_COLUMNS,
    PROVIDER,
    HoldingsFile,
)
from tasks.extract.provider.fetch_log import FetchRecord, StartedFetch, to_frame
from tasks.extract.provider.frames import concat_typed
from tasks.http_client import Client
from warehouse.reference import read_reference_rows
from warehouse.settings import Settings


@dataclass(frozen=True)
class HoldingsRequest:
    """Request one holdings file.

    Attributes:
        fund: A fund of reference table fund.
        holdings_date: The close that the file describes; None for the newest file.
        saved_file: A file saved with a browser, read in place of a request; None to download.
    """

    fund: str
    holdings_date: date | None = None
    saved_file: Path | None = None

    def __post_init__(self) -> None:
        """Reject an unknown fund before any request is sent."""
        get_fund(self.fund)

    @property
    def item(self) -> str:
        """Return the fund, the item of the fetch record."""
        return self.fund


@dataclass(frozen=True)
class HoldingsExtract:
    """Hold members and exclusions as `parse_holdings` does, and one fetch per request."""

    members: pd.DataFrame
    excluded: pd.DataFrame
    fetches: pd.DataFrame


def get_fund(fund: str) -> dict[str, str]:
    """Return the row of a fund in reference table fund.

    Raises:
        UnknownFund: There is none; add one, with the product's number and page.
    """
    rows = read_reference_rows("fund")
    for row in rows:
        if row["fund"] == fund:
            return row
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
    session: IsharesSession | None = None,
) -> HoldingsExtract:
    """Extract the holdings of some index funds at the close of a day.

    Example:
        requests = [HoldingsRequest("IWM"), HoldingsRequest("IVV", date(2024, 6, 6))]
        extract = extract_holdings.fn(requests, datetime.now(UTC), Settings())
        extract.members[["fund", "as_of_date", "ticker", "weight_pct"]]
        extract.excluded["reason"].value_counts()

    Args:
        requests: One per file.
        now: The logical time; the provider decides which file is the newest, but none may be of
            a later day.
        settings: The `ishares_` settings, including the URLs.
        session: Of the run, shared by its batches; None if these requests are the whole run.

    Returns:
        One row per (fund, file_ticker, as_of_date) in `members` and in `excluded`, one per
        request in `fetches`. A file is complete or absent, never partial.

    Source:
        https://www.ishares.com/us/products/239710/ishares-russell-2000-etf (IWM) and its
        siblings. Published daily for the previous close, not revised. BlackRock's terms: personal
        use.
    """
    session = session or start_session(settings)
    today = new_york_date(now)
    with open_http_client(settings) as client:
        results = [_extract_one(request, client, session, today) for request in requests]
    return HoldingsExtract(
        members=concat_typed((file.members for file, _ in results if file), MEMBER_COLUMNS),
        excluded=concat_typed((file.excluded for file, _ in results if file), EXCLUDED_COLUMNS),
        fetches=to_frame(fetch for _, fetch in results),
    )


def _extract_one(
    request: HoldingsRequest,
    client: Client,
    session: IsharesSession,
    today: date,
) -> tuple[HoldingsFile | None, FetchRecord]:
    fund, day = get_fund(request.fund), request.holdings_date
    fetch = StartedFetch(PROVIDER, "index_membership", request.fund, day, day)
    if request.saved_file is not None:
        path = request.saved_file
        result = session.policy.call(lambda: read_saved_file(path, fund, today))
    else:
        result = session.policy.call(lambda: fetch_holdings(client, session, fund, day, today))
    file = result.value
    if file is None:
        return None, fetch.finish(result.error, result.attempts)
    detail = (
        f"{len(file.members)} members and {len(file.excluded)} other lines of {request.fund}"
        f" as of {file.as_of_date}."
    )
    if request.saved_file is not None:
        detail += f" From {request.saved_file.name}, saved by hand."
    record = fetch.finish(None, result.attempts, len(file.members), detail)
    return file, replace(record, window_start=file.as_of_date, window_end=file.as_of_date)


def excluded_equity_rows(excluded: pd.DataFrame) -> pd.DataFrame:
    """Return rows of asset class Equity that are no listed shares, for the quarantine.

    Cash, futures and margin are in every file: the detail of the fetch record counts them.
    """
    equity = excluded[excluded["reason"] != "not_equity"]
    return equity.rename(columns={"file_ticker": "ticker"})
