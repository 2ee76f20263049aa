"""What is missing of macro series, and what to ask FRED for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta

import pandas as pd
from psycopg import Connection

from expectations.calendars.trading import new_york_date, session_closes
from tasks.backfill.adapter import BackfillAdapter, IngestChunk
from tasks.backfill.plan import NOT_ASKED, BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.extract.fred.extract import SeriesRequest, fred_request_policy
from tasks.ingest import ingest_macro
from tasks.plan.prices import plan_macro
from tasks.plan.release_times import LastFetch, latest_release_at, read_last_fetches
from tasks.run.context import RunContext
from warehouse.connect.connections import connect
from warehouse.reference import read_reference

# the list of vintages, and at least one request for observations
REQUESTS_PER_SERIES = 2
STEPS = {"Monthly": "MS", "Quarterly": "QS"}


def plan_macro_backfill(scope: ResolvedRequest) -> BackfillPlan:
    """What is missing of the series' observations, by each one's frequency and publication lag.

    A series' observations count from its first one held on, to those that its publication lag
    says are out. One that was given a reason for never being published is there. The days of a
    daily series that count are those after its newest one: which days before it have a value is
    its publisher's calendar.
    """
    keyless = scope.settings.fred_api_key is None
    with connect(scope.settings) as connection:
        newest = read_last_fetches(connection, "macro_observation", scope.items)
        whole = read_last_fetches(connection, "macro_observation", scope.items, date.min, True)
        held = _held(connection, scope.items)
    due = latest_release_at("macro_observation", scope.instant)
    gaps = [gap for item in scope.items for gap in _gaps(item, held.get(item, []), newest, scope)]
    needs = []
    for item in scope.items:
        own = [gap for gap in gaps if gap.item == item]
        asked, mode = newest.get(item), scope.request.mode
        wanted = {
            "all": True,
            "failed": asked is not None and not asked.succeeded,
            "stale": asked is None or asked.fetched_at < due,
            "missing": any(gap.is_fetchable for gap in own),
        }[mode]
        if not wanted:
            continue
        # a hole among what is held is in no new vintage
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
    """The needs as FRED is asked, by what is held now."""
    return [
        request
        for is_whole in (False, True)
        if (ids := [need.item for need in needs if need.full_history is is_whole])
        for request in plan_macro.fn(ids, is_whole, scope.settings)
    ]


def _gaps(
    item: str, held: Sequence[date], newest: dict[str, LastFetch], scope: ResolvedRequest
) -> list[DataGap]:
    asked = newest.get(item)
    due = latest_release_at("macro_observation", scope.instant)
    is_due = asked is None or not asked.succeeded or asked.fetched_at < due
    reason = NOT_ASKED if asked is None else asked.status
    if not held:
        # an answer without a row that could be believed
        reason = "quarantined" if reason == "loaded" else reason
        return [DataGap(item, reason, None, None, None, is_due)]
    series = read_reference("macro_series").set_index("series_id").loc[item]
    until = new_york_date(scope.instant) - timedelta(int(str(series["publication_lag_days"])))
    expected = _expected(str(series["frequency"]), held[0], held[-1], until)
    start, end = scope.start or date.min, scope.end
    missing = sorted(day for day in set(expected) - set(held) if start <= day <= end)
    gaps = []
    for reason, days in (
        ("missing_observation", [day for day in missing if day <= held[-1]]),
        ("not_yet" if not is_due else "overdue", [day for day in missing if day > held[-1]]),
    ):
        if days:
            gaps.append(DataGap(item, reason, days[0], days[-1], len(days), is_due))
    if asked is not None and not asked.succeeded:
        gaps.append(DataGap(item, asked.status, None, None, None, True))
    return gaps


def _expected(frequency: str, first: date, last: date, until: date) -> list[date]:
    """The days of observations that ought to be there."""
    if frequency in STEPS:
        stamps = pd.date_range(first, max(until, last), freq=STEPS[frequency])
    elif frequency == "Weekly":
        stamps = pd.date_range(first, max(until, last), freq="7D")
    else:
        after = pd.Timestamp(last) + pd.Timedelta(days=1)
        stamps = pd.DatetimeIndex(session_closes().loc[after : pd.Timestamp(until)].index)
    return [stamp.date() for stamp in stamps if stamp.date() <= max(until, last)]


def _held(connection: Connection, items: Sequence[str]) -> dict[str, list[date]]:
    """Series to its observation dates, in order."""
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
    dealings = fred_request_policy(scope.settings)

    def bring(needs: Sequence[WorkItem], this_run: RunContext) -> None:
        ingest_macro(_series_requests(needs, scope), this_run, dealings)

    yield bring


# a series of thirty years and its vintages may be a hundred thousand rows
MACRO = BackfillAdapter("fred", plan_macro_backfill, _open, lambda scope: 4)
