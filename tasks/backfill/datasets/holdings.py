"""Backfill of holdings files: find missing files, and plan the requests to iShares."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd
from psycopg import Connection

from expectations.calendars.trading import session_closes
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.plan import NOT_ASKED, BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.extract.ishares.extract import HoldingsRequest, get_fund
from tasks.ingest import ingest, ishares_holdings
from tasks.plan.holdings import read_holdings_batch
from tasks.plan.release_times import latest_release_at
from tasks.run.context import RunContext
from tasks.run.totals import TEMPORARY_FAILURES
from warehouse.connect.connections import connect

# a late file is published within days; one missing after a week never will be
MAX_PUBLICATION_DELAY_DAYS = 7


@dataclass(frozen=True)
class _FileFetch:
    """The newest fetch of one day's file."""

    status: str
    fetched_at: datetime


def plan_holdings_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """Plan a holdings backfill: one file per fund and session of the exchange's calendar.

    Without a start, it begins with the first stored file. A day without a file is not requested
    again once it is a week old.
    """
    gaps: list[DataGap] = []
    needs: list[WorkItem] = []
    with connect(scope.settings) as connection:
        released_at = latest_release_at("index_membership", scope.instant)
        for fund in scope.items:
            stored = _stored_dates(connection, fund)
            first = scope.start or min(stored, default=scope.end)
            days = session_closes().loc[pd.Timestamp(first) : pd.Timestamp(scope.end)].index
            dates = [stamp.date() for stamp in days]
            fetches = _last_fetches(connection, fund, dates)
            for day in dates:
                fetch = fetches.get(day)
                gap = None if day in stored else _gap(fund, day, fetch, released_at)
                if gap is not None:
                    gaps.append(gap)
                if _matches_mode(scope.request.mode, fetch, gap):
                    needs.append(
                        WorkItem(fund, day, gap.reason if gap else scope.request.mode, None)
                    )
    requests = len(needs)
    return BackfillPlan(
        needs, gaps, requests, requests / scope.settings.ishares_requests_per_second
    )


def _gap(fund: str, day: date, fetch: _FileFetch | None, released_at: datetime) -> DataGap:
    if fetch is None:
        return DataGap(fund, NOT_ASKED, day, day, None, True)
    if fetch.status in TEMPORARY_FAILURES:
        return DataGap(fund, fetch.status, day, day, None, True)
    may_be_late = (fetch.fetched_at.date() - day).days <= MAX_PUBLICATION_DELAY_DAYS
    is_fetchable = may_be_late and fetch.fetched_at < released_at
    return DataGap(fund, fetch.status, day, day, None, is_fetchable)


def _matches_mode(mode: str, fetch: _FileFetch | None, gap: DataGap | None) -> bool:
    if mode == "all":
        return True
    if mode == "failed":
        return fetch is not None and fetch.status in TEMPORARY_FAILURES
    # files are not revised: a stored one is never stale
    return gap is not None and gap.is_fetchable


def _stored_dates(connection: Connection, fund: str) -> set[date]:
    index = get_fund(fund)["index_code"]
    rows = connection.execute(
        "select distinct as_of_date from core.index_membership where index_code = %s", (index,)
    )
    return {day for (day,) in rows}


def _last_fetches(
    connection: Connection, fund: str, days: Sequence[date]
) -> dict[date, _FileFetch]:
    """Return the newest fetch of each day's file; days without one are missing."""
    rows = connection.execute(
        """
        select day, latest.status, latest.fetched_at
        from unnest(%(days)s::date[]) as day
        cross join lateral audit.latest_fetch('index_membership', %(fund)s, day) as latest
        """,
        {"days": [*days], "fund": fund},
    ).fetchall()
    return {day: _FileFetch(status, at) for day, status, at in rows}


@contextmanager
def _open(scope: ResolvedRequest, needs: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    source = ishares_holdings(scope.settings)

    def ingest_chunk(needs: Sequence[WorkItem], run: RunContext) -> None:
        for need in needs:
            requests = [HoldingsRequest(need.item, need.start)]
            ingest(source, read_holdings_batch(requests, run.settings), run)

    yield ingest_chunk


HOLDINGS = BackfillAdapter("ishares", plan_holdings_backfill, _open, lambda scope: 10)
