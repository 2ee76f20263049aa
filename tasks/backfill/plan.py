"""Plan a backfill: the gaps of a dataset, and the work items that fill them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from tasks.backfill.request import Mode, Order

NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class DataGap:
    """Expected rows of one item that are not stored, for one reason.

    Attributes:
        item: Ticker, series or fund; for filings also the daily index.
        reason: not_asked: never requested. A fetch status: throttled, outage or refused (the
            request failed), empty, not_found or delisted (the provider has no data). no_row,
            missing_observation: the response lacks the row. quarantined: the row broke a rule.
            session_open: the bar was fetched before the close. overdue: past the series'
            publication lag. not_yet_published: requested since the latest release, not there yet.
            For filings also unknown_ticker, pending_filing, missing_company_profile.
        first: The first missing day; None if no row was ever stored.
        last: The last missing day; None if no row was ever stored.
        rows: Number of missing rows; None if unknown.
        is_fetchable: Whether a new request may return the rows: the last one failed, or the source
            has released data since.
    """

    item: str
    reason: str
    first: date | None
    last: date | None
    rows: int | None
    is_fetchable: bool


@dataclass(frozen=True)
class WorkItem:
    """One item to request.

    Attributes:
        item: Ticker, series, fund or the daily index.
        start: The first day to request; None if the dataset's own plan decides.
        reason: The reasons of its gaps, or the mode.
        rows: Number of expected rows; None if unknown.
        full_history: For a series: request all vintages; for a company: all facts.
    """

    item: str
    start: date | None
    reason: str
    rows: int | None = None
    full_history: bool = False


@dataclass(frozen=True)
class BackfillPlan:
    """Gaps of a dataset within the requested window and items, and the work to do.

    Attributes:
        work_items: The items to request, by mode.
        gaps: All gaps, also those that no request can fill now.
        estimated_requests: Minimum number of requests to the provider.
        requests_per_second: The configured rate.
        notes: Sentences about the estimate.
    """

    work_items: Sequence[WorkItem]
    gaps: Sequence[DataGap]
    estimated_requests: int
    requests_per_second: float
    notes: Sequence[str] = ()

    @property
    def estimated_seconds(self) -> float:
        """Return the minimum duration of the requests at the configured rate."""
        return self.estimated_requests / self.requests_per_second


def matches_mode(mode: Mode, gaps: Sequence[DataGap], has_failed: bool, is_stale: bool) -> bool:
    """Return whether a backfill of a mode requests an item.

    Args:
        mode: The mode.
        gaps: The item's gaps.
        has_failed: Whether its last fetch failed.
        is_stale: Whether it was not fetched since its source's latest release.
    """
    matches = {
        "all": True,
        "failed": has_failed,
        "stale": is_stale,
        "missing": any(gap.is_fetchable for gap in gaps),
    }
    return matches[mode]


def join_reasons(gaps: Sequence[DataGap]) -> str:
    """Return the reasons of the fetchable gaps, separated by commas."""
    return ", ".join(sorted({gap.reason for gap in gaps if gap.is_fetchable}))


def count_rows(gaps: Sequence[DataGap]) -> int | None:
    """Return the number of rows that a request can fill; None if unknown."""
    rows = [gap.rows for gap in gaps if gap.is_fetchable]
    return None if None in rows or not rows else sum(row or 0 for row in rows)


def work_items_from_gaps(gaps: Sequence[DataGap], default_start: date) -> list[WorkItem]:
    """Return one work item per item with a fetchable gap, from its first missing day on.

    Args:
        gaps: The gaps.
        default_start: The first day to request of an item without rows.
    """
    fetchable: dict[str, list[DataGap]] = {}
    for gap in gaps:
        if gap.is_fetchable:
            fetchable.setdefault(gap.item, []).append(gap)
    return [
        WorkItem(
            item, min(gap.first or default_start for gap in own), join_reasons(own), count_rows(own)
        )
        for item, own in fetchable.items()
    ]


def sort_work_items(work_items: Collection[WorkItem], order: Order) -> list[WorkItem]:
    """Sort work items; those without a day or a number of rows come first."""
    ordered = sorted(work_items, key=lambda each: (each.item, each.start or date.min))
    if order == "oldest_first":
        ordered.sort(key=lambda each: each.start or date.min)
    elif order == "newest_first":
        ordered.sort(key=lambda each: each.start or date.max, reverse=True)
    elif order == "most_missing_first":
        ordered.sort(key=lambda each: float("-inf") if each.rows is None else -each.rows)
    return ordered
