"""Backfill of macro series: find missing observations, and plan the requests to FRED."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

import pandas as pd
from psycopg import Connection

from expectations.calendars.trading import new_york_date, session_closes
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.plan import NOT_ASKED, BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.extract.fred.extract import SeriesRequest
from tasks.ingest import fred_macro, ingest
from tasks.plan.last_fetches import LastFetch, read_last_fetches
from tasks.plan.macro import series_requests
from tasks.plan.release_times import latest_release_at
from tasks.run.context import RunContext
from warehouse.connect.connections import connect
from warehouse.reference import read_reference

# the list of vintages, and at least one request for observations
REQUESTS_PER_SERIES = 2
STEPS = {"Monthly": "MS", "Quarterly": "QS"}


def plan_macro_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """Plan a macro backfill from each series' frequency and publication lag.

    Observations are expected from a series' first stored one to the newest that its publication
    lag allows. An observation with a reason for never being published is not missing. For a daily
    series only the days after its newest observation are expected, because the publisher's
    calendar decides which earlier days have a value.
    """
    keyless = scope.settings.fred_api_key is None
    with connect(scope.settings) as connection:
        newest = read_last_fetches(connection, "macro_observation", scope.items)
        whole = read_last_fetches(connection, "macro_observation", scope.items, date.min, True)
        stored = _stored_dates(connection, scope.items)
    released_at = latest_release_at("macro_observation", scope.instant)
    gaps = [gap for item in scope.items for gap in _gaps(item, stored.get(item, []), newest, scope)]
    needs = []
    for item in scope.items:
        own = [gap for gap in gaps if gap.item == item]
        last, mode = newest.get(item), scope.request.mode
        is_needed = {
            "all": True,
            "failed": last is not None and not last.succeeded,
            "stale": last is None or last.fetched_at < released_at,
            "missing": any(gap.is_fetchable for gap in own),
        }[mode]
        if not is_needed:
            continue
        # a gap between stored observations is filled by no new vintage
        has_internal_gap = any(
            gap.reason == "missing_observation" and gap.is_fetchable for gap in own
        )
        reasons = ", ".join(sorted({gap.reason for gap in own if gap.is_fetchable}))
        rows = [gap.rows for gap in own if gap.is_fetchable]
        needs.append(
            WorkItem(
                item,
                None,
                reasons if mode == "missing" else mode,
                None if None in rows or not rows else sum(row or 0 for row in rows),
                full_history=mode == "all" or item not in whole or has_internal_gap,
            )
        )
    requests = len(needs) * (1 if keyless else REQUESTS_PER_SERIES)
    return BackfillPlan(needs, gaps, requests, requests / scope.settings.fred_requests_per_second)


def _series_requests(needs: Sequence[WorkItem], scope: ResolvedRequest) -> list[SeriesRequest]:
    """Return the series requests of some work items, by the vintages stored now."""
    return [
        request
        for full_history in (False, True)
        if (ids := [need.item for need in needs if need.full_history is full_history])
        for request in series_requests(ids, full_history, scope.settings)
    ]


def _gaps(
    item: str, stored: Sequence[date], newest: dict[str, LastFetch], scope: ResolvedRequest
) -> list[DataGap]:
    last = newest.get(item)
    released_at = latest_release_at("macro_observation", scope.instant)
    is_fetchable = last is None or not last.succeeded or last.fetched_at < released_at
    reason = NOT_ASKED if last is None else last.status
    if not stored:
        # a response without a valid row
        reason = "quarantined" if reason == "loaded" else reason
        return [DataGap(item, reason, None, None, None, is_fetchable)]
    series = read_reference("macro_series").set_index("series_id").loc[item]
    until = new_york_date(scope.instant) - timedelta(int(str(series["publication_lag_days"])))
    expected = _expected(str(series["frequency"]), stored[0], stored[-1], until)
    start, end = scope.start or date.min, scope.end
    missing = sorted(day for day in set(expected) - set(stored) if start <= day <= end)
    gaps = []
    for reason, days in (
        ("missing_observation", [day for day in missing if day <= stored[-1]]),
        (
            "not_yet" if not is_fetchable else "overdue",
            [day for day in missing if day > stored[-1]],
        ),
    ):
        if days:
            gaps.append(DataGap(item, reason, days[0], days[-1], len(days), is_fetchable))
    if last is not None and not last.succeeded:
        gaps.append(DataGap(item, last.status, None, None, None, True))
    return gaps


def _expected(frequency: str, first: date, last: date, until: date) -> list[date]:
    """Return the dates of the expected observations."""
    if frequency in STEPS:
        stamps = pd.date_range(first, max(until, last), freq=STEPS[frequency])
    elif frequency == "Weekly":
        stamps = pd.date_range(first, max(until, last), freq="7D")
    else:
        after = pd.Timestamp(last) + pd.Timedelta(days=1)
        stamps = pd.DatetimeIndex(session_closes().loc[after : pd.Timestamp(until)].index)
    return [stamp.date() for stamp in stamps if stamp.date() <= max(until, last)]


def _stored_dates(connection: Connection, items: Sequence[str]) -> dict[str, list[date]]:
    """Return the stored observation dates of each series, in order."""
    found: dict[str, list[date]] = {}
    for item, day in connection.execute(
        """
        select distinct series_id, observation_date from core.macro_observation
        where series_id = any (%s) order by series_id, observation_date
        """,
        ([*items],),
    ):
        found.setdefault(item, []).append(day)
    return found


@contextmanager
def _open(scope: ResolvedRequest, needs: Sequence[WorkItem]) -> Iterator[IngestChunk]:
    source = fred_macro(scope.settings)

    def ingest_chunk(needs: Sequence[WorkItem], run: RunContext) -> None:
        ingest(source, _series_requests(needs, scope), run)

    yield ingest_chunk


# thirty years of a series with its vintages may be a hundred thousand rows
MACRO = BackfillAdapter("fred", plan_macro_backfill, _open, lambda scope: 4)
