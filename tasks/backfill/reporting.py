"""Publish a backfill's plan, progress and result: artifacts in Prefect, and listeners."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import TypeVar
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)

from tasks.backfill.plan import BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.run import artifact
from tasks.run.totals import LABELS, RunTotals

# called with "plan", "progress" or "result", its text, and the percentage done
Listener = Callable[[str, str, float], None]
LISTENERS: list[Listener] = []

R = TypeVar("R", WorkItem, DataGap)

MAX_EXAMPLES = 5
COUNTS = ("new", "changed", "same", "removed", "quarantined")
# singular and plural of a dataset's items
ITEM_NAMES = {
    "prices": ("ticker", "tickers"),
    "macro": ("series", "series"),
    "holdings": ("file", "files"),
}
NOTHING_TO_DO = {
    "missing": "no gaps that a fetch could fill now.",
    "failed": "no failed last fetch.",
    "stale": "all were fetched since the latest release.",
    "all": "no items.",
}


def publish_plan(scope: ResolvedRequest, plan: BackfillPlan, work_items: Sequence[WorkItem]) -> str:
    """Publish the work items and their reasons; return a one-line summary."""
    request, summary = scope.request, _summarize_plan(scope, plan, work_items)
    window = f"{scope.start or 'the beginning'} to {scope.end}"
    lines = [f"# Backfill of {request.dataset}: plan", "", summary, ""]
    lines += [f"Mode {request.mode}, from {window}, {request.order.replace('_', ' ')}.", ""]
    lines += [f"{note}\n" for note in plan.notes]
    groups = _group_by_reason(work_items)
    header = ["reason", "items", "rows", "first"]
    rows = [
        [reason, f"{len(group):,}", _sum_rows(group), _first_items(group)]
        for reason, group in groups.items()
    ]
    if len(groups) == 1:
        # the summary has the number of items
        for row in (header, *rows):
            del row[1]
    if rows:
        lines += _table(header, rows)
    _publish("plan", request.dataset, lines, "Requests to make, by reason.")
    return summary


def publish_result(
    scope: ResolvedRequest, totals: RunTotals, failures: Sequence[str], gaps: Sequence[DataGap]
) -> None:
    """Publish loaded rows, failures, and the remaining gaps by reason.

    Failed fetches are listed only for items without a gap, since a gap has its reason.
    """
    gap_items = {(gap.reason, gap.item) for gap in gaps}
    failures_without_gap = {
        status: left
        for status, items in totals.unsuccessful.items()
        if (left := [item for item in items if (status, item) not in gap_items])
    }
    reasons = replace(totals, unsuccessful=failures_without_gap).degraded_reasons()
    lines = [f"# Backfill of {scope.request.dataset}: result", ""]
    if totals.counts:
        header = ("table", *(LABELS.get(name, name) for name in COUNTS))
        rows = (
            (table, *(f"{counts.get(name, 0):,}" for name in COUNTS))
            for table, counts in totals.counts.items()
        )
        lines += _table(header, rows)
    else:
        lines.append("No row was loaded.")
    lines += ["", *(f"- {reason}" for reason in [*reasons, *failures]), ""]
    if gaps:
        by_reason = (
            (reason, f"{len({gap.item for gap in group}):,}", _sum_rows(group), _examples(group))
            for reason, group in _group_by_reason(gaps).items()
        )
        lines += ["Still missing:", ""]
        lines += _table(("reason", "items", "rows", "examples"), by_reason)
    else:
        lines.append(summarize_missing(gaps))
    _publish("result", scope.request.dataset, lines, "Loaded rows, failures and remaining gaps.")


def summarize_missing(gaps: Sequence[DataGap]) -> str:
    """Return the number of items with gaps by reason, in one line."""
    if not gaps:
        return "Nothing is missing."
    reasons = Counter(reason for reason, _ in {(gap.reason, gap.item) for gap in gaps})
    counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
    return f"Still missing, number of items by reason: {counts}."


class Progress:
    """The progress artifact of a backfill."""

    def __init__(self, dataset: str, item_count: int) -> None:
        """Create the artifact, if there is anything to do.

        Args:
            dataset: The dataset.
            item_count: Number of work items.
        """
        self._item_count, self._done_count = item_count, 0
        self._artifact: UUID | None = None
        if item_count:
            self._artifact = artifact.upsert_artifact(
                create_progress_artifact,
                progress=0,
                key=f"backfill-{dataset}-progress",
                description=f"0 of {item_count:,}",
            )

    def advance(self, item_count: int, totals: RunTotals) -> None:
        """Add completed work items, and show the rows loaded so far."""
        self._done_count += item_count
        loaded = ", ".join(
            f"{table}: {counts.get('new', 0):,} new" for table, counts in totals.counts.items()
        )
        text = f"{self._done_count:,} of {self._item_count:,}" + (f"; {loaded}" if loaded else "")
        percentage = 100 * self._done_count / self._item_count
        if self._artifact is not None:
            artifact.upsert_artifact(
                update_progress_artifact,
                artifact_id=self._artifact,
                progress=percentage,
                description=text,
            )
        _notify_listeners("progress", text, percentage)


def _publish(kind: str, dataset: str, lines: Sequence[str], description: str) -> None:
    text, key = "\n".join(lines), f"backfill-{dataset}-{kind}"
    artifact.upsert_artifact(
        create_markdown_artifact, markdown=text, key=key, description=description
    )
    _notify_listeners(kind, text, 0.0)


def _notify_listeners(kind: str, text: str, percentage: float) -> None:
    for listener in LISTENERS:
        listener(kind, text, percentage)


def _summarize_plan(
    scope: ResolvedRequest, plan: BackfillPlan, work_items: Sequence[WorkItem]
) -> str:
    singular, plural = ITEM_NAMES.get(scope.request.dataset, ("item", "items"))
    if not work_items:
        count = len(scope.items)
        items = singular if count == 1 else plural
        return f"Nothing to do: {count:,} {items}, {NOTHING_TO_DO[scope.request.mode]}"
    duration = max(timedelta(seconds=round(plan.estimated_seconds)), timedelta(seconds=1))
    requests = (
        "one request each"
        if plan.estimated_requests == len(work_items)
        else f"{plan.estimated_requests:,} requests"
    )
    return (
        f"{len(work_items):,} {singular if len(work_items) == 1 else plural} to fetch, at least "
        f"{requests}, ~{duration} at the configured rate."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table; columns of numbers are aligned to the right."""
    numbers = {"items", "rows", *(LABELS.get(name, name) for name in COUNTS)}
    alignment = ["---:" if name in numbers else "---" for name in header]
    return [f"| {' | '.join(map(str, row))} |" for row in (header, alignment, *rows)]


def _code(item: str) -> str:
    # a caret or an asterisk of a ticker is not markup
    return f"`{item}`"


def _group_by_reason(rows: Sequence[R]) -> dict[str, list[R]]:
    groups: dict[str, list[R]] = {}
    for row in sorted(rows, key=lambda each: each.reason):
        groups.setdefault(row.reason, []).append(row)
    return groups


def _first_items(group: Sequence[WorkItem]) -> str:
    """Return the first items, those with the same first day together."""
    parts = [
        f"{', '.join(_code(each.item) for each in together)} {start}"
        for start, together in groupby(group[:MAX_EXAMPLES], _describe_start)
    ]
    return "; ".join(parts)


def _describe_start(work_item: WorkItem) -> str:
    if work_item.start is not None:
        return f"from {work_item.start}"
    return "in full" if work_item.full_history else "incremental"


def _sum_rows(group: Sequence[WorkItem] | Sequence[DataGap]) -> str:
    known = sum(each.rows or 0 for each in group)
    has_unknown = any(each.rows is None for each in group)
    if not has_unknown:
        return f"{known:,}"
    return f"{known:,} and unknown" if known else "unknown"


def _examples(gaps: Sequence[DataGap]) -> str:
    named = (
        f"{_code(gap.item)} {gap.first or ''}"
        + (f" to {gap.last}" if gap.last != gap.first else "")
        for gap in gaps
    )
    return ", ".join(sorted({each.strip() for each in named})[:MAX_EXAMPLES])
