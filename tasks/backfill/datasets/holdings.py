"""Backfill of holdings files: find missing files, and plan the requests to iShares."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

from psycopg import Connection

from expectations.calendars.trading import session_dates
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.plan import NOT_ASKED, BackfillPlan, DataGap, WorkItem, matches_mode
from tasks.backfill.request import ResolvedRequest
from tasks.extract.ishares.extract import HoldingsRequest, get_fund
from tasks.ingest import ingest, ishares_holdings
from tasks.plan.last_fetches import LastFetch
from tasks.plan.release_times import latest_release_at
from tasks.run.context import RunContext
from warehouse.connect.connections import connect

# a late file is published within days; one missing after a week never will be
MAX_PUBLICATION_DELAY_DAYS = 7


def plan_holdings_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """Plan a holdings backfill: one file per fund and session of the exchange's calendar.

    Without a start, it begins with the first stored file. A day without a file is not requested
    again once it is a week old.
    """
    mode = scope.request.mode
    released_at = latest_release_at("index_membership", scope.now)
    gaps: list[DataGap] = []
    work_items: list[WorkItem] = []
    with connect(scope.settings) as connection:
        for fund in scope.items:
            stored = _read_stored_dates(connection, fund)
            first = scope.start or min(stored, default=scope.end)
            days = session_dates(first, scope.end)
            fetches = _read_last_fetches(connection, fund, days)
            for day in days:
                last = fetches.get(day)
                own = [] if day in stored else [_gap(fund, day, last, released_at)]
                gaps += own
                has_failed = last is not None and not last.succeeded
                # files are not revised: a stored one is never stale
                is_stale = any(gap.is_fetchable for gap in own)
                if matches_mode(mode, own, has_failed, is_stale):
                    work_items.append(WorkItem(fund, day, own[0].reason if own else mode))
    return BackfillPlan(
        work_items, gaps, len(work_items), scope.settings.ishares_requests_per_second
    )


def _gap(fund: str, day: date, last: LastFetch | None, released_at: datetime) -> DataGap:
    if last is None:
        return DataGap(fund, NOT_ASKED, day, day, None, True)
    may_be_late = (last.fetched_at.date() - day).days <= MAX_PUBLICATION_DELAY_DAYS
    is_fetchable = not last.succeeded or (may_be_late and last.fetched_at < released_at)
    return DataGap(fund, last.status, day, day, None, is_fetchable)


def _read_stored_dates(connection: Connection, fund: str) -> set[date]:
    index = str(get_fund(fund)["index_code"])
    # a quarterly report is no reason to request the daily files since its day, nor to omit its file
    rows = connection.execute(
        "select distinct as_of_date from core.index_membership"
        " where index_code = %s and source <> 'nport'",
        (index,),
    )
    return {day for (day,) in rows}


def _read_last_fetches(
    connection: Connection, fund: str, days: Sequence[date]
) -> dict[date, LastFetch]:
    """Return the newest fetch of each day's file; days without one are missing."""
    rows = connection.execute(
        """
        select day, latest.status, latest.fetched_at, latest.window_start, latest.run_id
        from unnest(%(days)s::date[]) as day
        cross join lateral audit.latest_fetch('index_membership', %(fund)s, day) as latest
        """,
        {"days": [*days], "fund": fund},
    ).fetchall()
    return {day: LastFetch(*fetch) for day, *fetch in rows}


@contextmanager
def _open(scope: ResolvedRequest, work_items: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    source = ishares_holdings(scope.settings)

    def ingest_chunk(chunk: Sequence[WorkItem], run: RunContext) -> None:
        for each in chunk:
            ingest(source, [HoldingsRequest(each.item, each.start)], run)

    yield ingest_chunk


HOLDINGS = BackfillAdapter("ishares", plan_holdings_backfill, _open, lambda scope: 10)
