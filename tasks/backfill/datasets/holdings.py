"""Which holdings files are missing, and which to ask iShares for."""

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
from tasks.extract.ishares.extract import HoldingsRequest, get_fund, ishares_request_policy
from tasks.ingest import ingest_holdings
from tasks.plan.release_times import latest_release_at
from tasks.run.context import TEMPORARY_FAILURES, RunContext
from warehouse.connect.connections import connect

# a file that is late comes within days; one that is not there a week later never was
MAX_PUBLICATION_DELAY_DAYS = 7


@dataclass(frozen=True)
class _LastFetch:
    status: str
    at: datetime


def plan_holdings_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """Which files are missing: one for each fund and session, by the exchange's calendar.

    Without a start, from the first file held on. A day for which iShares had no file is not asked
    for again when it is a week old.
    """
    gaps: list[DataGap] = []
    needs: list[WorkItem] = []
    with connect(scope.settings) as connection:
        due = latest_release_at("index_membership", scope.instant)
        for fund in scope.items:
            held = _stored_dates(connection, fund)
            first = scope.start or min(held, default=scope.end)
            days = session_closes().loc[pd.Timestamp(first) : pd.Timestamp(scope.end)].index
            dates = [stamp.date() for stamp in days]
            answers = _last_fetches(connection, fund, dates)
            for day in dates:
                answer = answers.get(day)
                gap = None if day in held else _gap(fund, day, answer, due)
                if gap is not None:
                    gaps.append(gap)
                if _matches_mode(scope.request.mode, answer, gap):
                    needs.append(
                        WorkItem(fund, day, gap.reason if gap else scope.request.mode, None)
                    )
    requests = len(needs)
    return BackfillPlan(
        needs, gaps, requests, requests / scope.settings.ishares_requests_per_second
    )


def _gap(fund: str, day: date, answer: _LastFetch | None, due: datetime) -> DataGap:
    if answer is None:
        return DataGap(fund, NOT_ASKED, day, day, None, True)
    if answer.status in TEMPORARY_FAILURES:
        return DataGap(fund, answer.status, day, day, None, True)
    is_young = (answer.at.date() - day).days <= MAX_PUBLICATION_DELAY_DAYS
    return DataGap(fund, answer.status, day, day, None, is_young and answer.at < due)


def _matches_mode(mode: str, answer: _LastFetch | None, gap: DataGap | None) -> bool:
    if mode == "all":
        return True
    if mode == "failed":
        return answer is not None and answer.status in TEMPORARY_FAILURES
    # a file is not revised: one that is held is never stale
    return gap is not None and gap.is_fetchable


def _stored_dates(connection: Connection, fund: str) -> set[date]:
    index = get_fund(fund)["index_code"]
    rows = connection.execute(
        "select distinct as_of_date from core.index_membership where index_code = %s", (index,)
    )
    return {day for (day,) in rows}


def _last_fetches(
    connection: Connection, fund: str, days: Sequence[date]
) -> dict[date, _LastFetch]:
    """Return each day's newest request for its file, where there was one."""
    rows = connection.execute(
        """
        select day, latest.status, latest.fetched_at
        from unnest(%(days)s::date[]) as day
        cross join lateral audit.latest_fetch('index_membership', %(fund)s, day) as latest
        """,
        {"days": [*days], "fund": fund},
    ).fetchall()
    return {day: _LastFetch(status, at) for day, status, at in rows}


@contextmanager
def _open(scope: ResolvedRequest, needs: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    dealings = ishares_request_policy(scope.settings)

    def ingest_chunk(needs: Sequence[WorkItem], this_run: RunContext) -> None:
        for need in needs:
            ingest_holdings(HoldingsRequest(need.item, need.start), this_run, dealings)

    yield ingest_chunk


HOLDINGS = BackfillAdapter("ishares", plan_holdings_backfill, _open, lambda scope: 10)
