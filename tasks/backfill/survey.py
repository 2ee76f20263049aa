"""What is missing of a dataset and why, and what of it is worth asking for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from tasks.backfill.request import Order

# Why a row is missing where asking for it has not failed: it was not asked for.
NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Gap:
    """Rows that are expected and not there, of one item and for one reason.

    Attributes:
        item: Ticker, series or fund; of filings, a day's index, too.
        reason: not_asked; throttled, outage or refused, be it by the provider or by a rule that
            stopped what came; or why the answer had none: empty, not_found, delisted, no_row,
            quarantined, unfinished, no_observation, overdue, not_yet; of filings not_listed,
            report_due, no_particulars, not_yet_published.
        first: The first missing day; None where the item has never brought a row.
        last: The last one; None likewise.
        rows: How many; None where nobody knows, since the item has never brought a row.
        is_due: Whether asking now may help: it has not been asked since its source last had
            something new to tell, or that failed.
    """

    item: str
    reason: str
    first: date | None
    last: date | None
    rows: int | None
    is_due: bool


@dataclass(frozen=True)
class Need:
    """One request to make.

    Attributes:
        item: Ticker, series or fund.
        start: The first day to ask for; None for a series' new vintages or a fund's newest file.
        why: The reasons, as in `Gap`, or the mode.
        rows: Rows expected of it; None where nobody knows.
        is_whole: Of a series: all vintages; of a company: whatever is held.
    """

    item: str
    start: date | None
    why: str
    rows: int | None = None
    is_whole: bool = False


@dataclass(frozen=True)
class Survey:
    """The state of a dataset within the window and the items asked for.

    Attributes:
        needs: What to ask for, by the mode.
        gaps: All that is missing.
        seconds: How long asking takes at the configured pace, at least.
        requests: How many requests to the provider that means, at least.
    """

    needs: Sequence[Need]
    gaps: Sequence[Gap]
    requests: int = 0
    seconds: float = 0.0
    notes: Sequence[str] = field(default_factory=tuple)


def needs_of_gaps(gaps: Sequence[Gap], otherwise: date) -> list[Need]:
    """One need per item with a gap that is due, from its first missing day on.

    Args:
        gaps: The gaps.
        otherwise: Where to start with an item that has never brought a row.
    """
    due: dict[str, list[Gap]] = {}
    for gap in gaps:
        if gap.is_due:
            due.setdefault(gap.item, []).append(gap)
    return [
        Need(
            item,
            min(gap.first or otherwise for gap in own),
            ", ".join(sorted({gap.reason for gap in own})),
            None if any(gap.rows is None for gap in own) else sum(gap.rows or 0 for gap in own),
        )
        for item, own in due.items()
    ]


def in_order(needs: Sequence[Need], order: Order) -> list[Need]:
    """The needs in the order asked for; those with nothing to sort by come first."""
    ordered = sorted(needs, key=lambda need: (need.item, need.start or date.min))
    if order == "oldest first":
        ordered.sort(key=lambda need: need.start or date.min)
    elif order == "newest first":
        ordered.sort(key=lambda need: need.start or date.max, reverse=True)
    elif order == "most missing first":
        ordered.sort(key=lambda need: float("-inf") if need.rows is None else -need.rows)
    return ordered
