"""What is missing of a dataset and why, and what of it is worth asking for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from tasks.backfill.request import Order

# Why a row is missing where asking for it has not failed: it was not asked for.
NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class DataGap:
    """Rows that are expected and not there, of one item and for one reason.

    Attributes:
        item: Ticker, series or fund; of filings, a day's index, too.
        reason: not_asked; throttled, outage or refused, be it by the provider or by a rule that
            stopped what came; or why the answer had none: empty, not_found, delisted, no_row,
            quarantined, unfinished, missing_observation, overdue, not_yet; of filings
            unknown_ticker,
            pending_filing, missing_company_profile, not_yet_published.
        first: The first missing day; None where the item has never brought a row.
        last: The last one; None likewise.
        rows: How many; None where nobody knows, since the item has never brought a row.
        is_fetchable: Whether asking now may help: it has not been asked since its source last had
            something new to tell, or that failed.
    """

    item: str
    reason: str
    first: date | None
    last: date | None
    rows: int | None
    is_fetchable: bool


@dataclass(frozen=True)
class WorkItem:
    """One request to make.

    Attributes:
        item: Ticker, series or fund.
        start: The first day to ask for; None for a series' new vintages or a fund's newest file.
        reason: The reasons, as in `Gap`, or the mode.
        rows: Rows expected of it; None where nobody knows.
        full_history: Of a series: all vintages; of a company: whatever is held.
    """

    item: str
    start: date | None
    reason: str
    rows: int | None = None
    full_history: bool = False


@dataclass(frozen=True)
class BackfillPlan:
    """The state of a dataset within the window and the items asked for.

    Attributes:
        needs: What to ask for, by the mode.
        gaps: All that is missing.
        estimated_seconds: How long asking takes at the configured pace, at least.
        estimated_requests: How many requests to the provider that means, at least.
    """

    needs: Sequence[WorkItem]
    gaps: Sequence[DataGap]
    estimated_requests: int = 0
    estimated_seconds: float = 0.0
    notes: Sequence[str] = field(default_factory=tuple)


def work_items_from_gaps(gaps: Sequence[DataGap], default_start: date) -> list[WorkItem]:
    """One need per item with a gap that is due, from its first missing day on.

    Args:
        gaps: The gaps.
        default_start: Where to start with an item that has never brought a row.
    """
    due: dict[str, list[DataGap]] = {}
    for gap in gaps:
        if gap.is_fetchable:
            due.setdefault(gap.item, []).append(gap)
    return [
        WorkItem(
            item,
            min(gap.first or default_start for gap in own),
            ", ".join(sorted({gap.reason for gap in own})),
            None if any(gap.rows is None for gap in own) else sum(gap.rows or 0 for gap in own),
        )
        for item, own in due.items()
    ]


def sort_work_items(needs: Sequence[WorkItem], order: Order) -> list[WorkItem]:
    """The needs in the order asked for; those with nothing to sort by come first."""
    ordered = sorted(needs, key=lambda need: (need.item, need.start or date.min))
    if order == "oldest first":
        ordered.sort(key=lambda need: need.start or date.min)
    elif order == "newest first":
        ordered.sort(key=lambda need: need.start or date.max, reverse=True)
    elif order == "most missing first":
        ordered.sort(key=lambda need: float("-inf") if need.rows is None else -need.rows)
    return ordered
