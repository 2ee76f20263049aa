"""Backfill of macro series: find missing observations, and plan the requests to FRED."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pandas as pd

from expectations.calendars.trading import new_york_date, session_dates
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.plan import (
    NOT_ASKED,
    BackfillPlan,
    DataGap,
    WorkItem,
    count_rows,
    join_reasons,
    matches_mode,
)
from tasks.backfill.request import ResolvedRequest
from tasks.backfill.stored_dates import read_stored_dates
from tasks.extract.fred.extract import SeriesRequest, open_fred_policy
from tasks.ingest import fred_macro, ingest
from tasks.plan.last_fetches import LastFetch, is_fresh, read_last_fetches
from tasks.plan.macro import series_requests
from tasks.plan.release_times import latest_release_at
from tasks.run.context import RunContext
from warehouse.connect.connections import connect
from warehouse.reference import read_reference

# the list of vintages, and at least one request for observations
REQUESTS_PER_SERIES = 2
# frequency to its pandas alias; a daily series follows the sessions
FREQUENCIES = {"Monthly": "MS", "Quarterly": "QS", "Weekly": "7D"}


def plan_macro_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """Plan a macro backfill from each series' frequency and publication lag.

    Observations are expected from a series' first stored one to the newest that its publication
    lag allows. An observation with a reason for never being published is not missing. For a daily
    series only the days after its newest observation are expected, because the publisher's
    calendar decides which earlier days have a value.
    """
    mode, items = scope.request.mode, scope.items
    table = "macro_observation"
    with connect(scope.settings) as connection:
        newest = read_last_fetches(connection, table, items)
        with_all_vintages = read_last_fetches(connection, table, items, date.min, True)
        stored = read_stored_dates(connection, table, "series_id", "observation_date", items)
    released_at = latest_release_at(table, scope.now)
    gaps: list[DataGap] = []
    work_items: list[WorkItem] = []
    for item in items:
        last = newest.get(item)
        own = _find_gaps(item, stored.get(item, []), last, released_at, scope)
        gaps += own
        has_failed = last is not None and not last.succeeded
        is_stale = last is None or last.fetched_at < released_at
        if matches_mode(mode, own, has_failed, is_stale):
            # no new vintage fills a gap between stored observations
            has_internal_gap = any(
                gap.reason == "missing_observation" and gap.is_fetchable for gap in own
            )
            full_history = mode == "all" or item not in with_all_vintages or has_internal_gap
            reason = join_reasons(own) if mode == "missing" else mode
            work_items.append(WorkItem(item, None, reason, count_rows(own), full_history))
    per_series = 1 if scope.settings.fred_api_key is None else REQUESTS_PER_SERIES
    return BackfillPlan(
        work_items, gaps, len(work_items) * per_series, scope.settings.fred_requests_per_second
    )


def _series_requests(work_items: Sequence[WorkItem], scope: ResolvedRequest) -> list[SeriesRequest]:
    """Return the series requests of some work items, by the vintages stored now."""
    return [
        request
        for full_history in (False, True)
        if (ids := [each.item for each in work_items if each.full_history is full_history])
        for request in series_requests(ids, full_history, scope.settings)
    ]


def _find_gaps(
    item: str,
    stored: Sequence[date],
    last: LastFetch | None,
    released_at: datetime,
    scope: ResolvedRequest,
) -> list[DataGap]:
    is_fetchable = not is_fresh(last, released_at)
    status = NOT_ASKED if last is None else last.status
    if not stored:
        # a response without a valid row
        reason = "quarantined" if status == "loaded" else status
        return [DataGap(item, reason, None, None, None, is_fetchable)]
    start, end = scope.start or date.min, scope.end
    missing = [
        day
        for day in sorted({*_expected_dates(item, stored, scope.now)} - {*stored})
        if start <= day <= end
    ]
    internal = [day for day in missing if day <= stored[-1]]
    newer = [day for day in missing if day > stored[-1]]
    newer_reason = "overdue" if is_fetchable else "not_yet_published"
    gaps = [
        DataGap(item, reason, days[0], days[-1], len(days), is_fetchable)
        for reason, days in (("missing_observation", internal), (newer_reason, newer))
        if days
    ]
    if last is not None and not last.succeeded:
        gaps.append(DataGap(item, last.status, None, None, None, True))
    return gaps


def _expected_dates(item: str, stored: Sequence[date], now: datetime) -> list[date]:
    """Return the dates of a series' expected observations."""
    series = read_reference("macro_series").set_index("series_id").loc[item]
    published_until = new_york_date(now) - timedelta(int(str(series["publication_lag_days"])))
    first, last = stored[0], stored[-1]
    frequency, until = str(series["frequency"]), max(published_until, last)
    if frequency not in FREQUENCIES:
        return session_dates(last + timedelta(days=1), published_until)
    stamps = pd.date_range(first, until, freq=FREQUENCIES[frequency])
    return [stamp.date() for stamp in stamps]


@contextmanager
def _open(scope: ResolvedRequest, work_items: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    with open_fred_policy(scope.settings) as policy:
        source = fred_macro(scope.settings, policy)

        def ingest_chunk(chunk: Sequence[WorkItem], run: RunContext) -> None:
            ingest(source, _series_requests(chunk, scope), run)

        yield ingest_chunk


# thirty years of a series with its vintages may be a hundred thousand rows
MACRO = BackfillAdapter("fred", plan_macro_backfill, _open, lambda scope: 4)
