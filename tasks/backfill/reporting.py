"""Shows a backfill's plan, progress and result: artifacts in Prefect, and whoever listens here."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)

from tasks.backfill.plan import BackfillPlan, DataGap, WorkItem
from tasks.backfill.request import ResolvedRequest
from tasks.run import artifact
from tasks.run.totals import RunTotals

# Called with what is shown (plan, progress or result), its text, and the share that is done.
Listener = Callable[[str, str, float], None]
LISTENERS: list[Listener] = []

MAX_LISTED = 15


def publish_plan(scope: ResolvedRequest, survey: BackfillPlan, needs: Sequence[WorkItem]) -> str:
    """Shows what is going to be asked for; the one-line summary."""
    request = scope.request
    summary = (
        f"{len(needs):,} {_of(request.dataset, len(needs))} to ask for, at least "
        f"{survey.estimated_requests:,} requests, "
        f"{_duration(survey.estimated_seconds)} at the configured pace."
        if needs
        else f"Nothing to do: of {len(scope.items):,} {_of(request.dataset, len(scope.items))}, "
        + _nothing(request.mode)
    )
    lines = [
        f"# Backfill of {request.dataset}",
        "",
        summary,
        "",
        f"Mode {request.mode}, {scope.start or 'from the beginning'} to {scope.end}, "
        f"{request.order}.",
        "",
    ]
    lines += [f"{note}\n" for note in survey.notes]
    if needs:
        lines += _reasons(needs)
        lines += [
            "",
            f"The first {min(MAX_LISTED, len(needs))}:",
            "",
            "| item | from | rows | why |",
        ]
        lines += ["|---|---|---:|---|"]
        lines += [
            f"| {_cell(need.item)} | {need.start or _open(need)} | {_number(need.rows)} "
            f"| {need.reason} |"
            for need in needs[:MAX_LISTED]
        ]
    _publish_artifact("plan", request.dataset, "\n".join(lines), summary)
    return summary


def publish_result(
    scope: ResolvedRequest, total: RunTotals, failures: Sequence[str], gaps: Sequence[DataGap]
) -> str:
    """Shows what came of it and what is missing still, with the reasons; the latter in a line."""
    lines = [f"# Backfill of {scope.request.dataset}: what came of it", ""]
    if total.counts:
        names = ("new", "changed", "same", "removed", "quarantined")
        lines += [f"| table | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
        lines += [
            f"| {table} | " + " | ".join(f"{counts.get(name, 0):,}" for name in names) + " |"
            for table, counts in total.counts.items()
        ]
    else:
        lines.append("No row was loaded.")
    lines += ["", *(f"- {said}" for said in [*total.degraded_reasons(), *failures]), ""]
    still = summarize_missing(gaps)
    lines += [still, ""]
    if gaps:
        lines += ["| reason | items | rows | such as |", "|---|---:|---:|---|"]
        for reason in sorted({gap.reason for gap in gaps}):
            own = [gap for gap in gaps if gap.reason == reason]
            some = ", ".join(sorted({_where(gap) for gap in own})[:5])
            items = len({gap.item for gap in own})
            lines.append(f"| {reason} | {items:,} | {_sum(own)} | {some} |")
    _publish_artifact("result", scope.request.dataset, "\n".join(lines), still)
    return still


def summarize_missing(gaps: Sequence[DataGap]) -> str:
    """What is missing, in a line: reason to number of items."""
    if not gaps:
        return "Nothing is missing."
    reasons = Counter(reason for reason, _ in {(gap.reason, gap.item) for gap in gaps})
    named = ", ".join(f"{reason} of {number:,}" for reason, number in sorted(reasons.items()))
    return f"Still missing, by reason and number of items: {named}."


class Progress:
    """How far the chunks are."""

    def __init__(self, dataset: str, needs: int) -> None:
        """Shows that nothing is done yet."""
        self._dataset, self._needs, self._done = dataset, needs, 0
        self._artifact: UUID | None = None
        if needs:
            self._artifact = artifact.upsert_artifact(
                create_progress_artifact,
                progress=0,
                key=f"backfill-{dataset}-progress",
                description=f"0 of {needs:,}",
            )

    def advance(self, done: int, total: RunTotals) -> None:
        """Shows that so many more are done."""
        self._done += done
        loaded = ", ".join(
            f"{table}: {counts.get('new', 0):,} new" for table, counts in total.counts.items()
        )
        said = f"{self._done:,} of {self._needs:,}" + (f"; {loaded}" if loaded else "")
        share = 100 * self._done / self._needs
        if self._artifact is not None:
            artifact.upsert_artifact(
                update_progress_artifact,
                artifact_id=self._artifact,
                progress=share,
                description=said,
            )
        _notify_listeners("progress", said, share)


def _publish_artifact(what: str, dataset: str, text: str, summary: str) -> None:
    key = f"backfill-{dataset}-{what}"
    artifact.upsert_artifact(create_markdown_artifact, markdown=text, key=key, description=summary)
    _notify_listeners(what, text, 0.0)


def _notify_listeners(what: str, text: str, share: float) -> None:
    for listener in LISTENERS:
        listener(what, text, share)


def _of(dataset: str, number: int) -> str:
    one, many = {
        "prices": ("ticker", "tickers"),
        "macro": ("series", "series"),
        "holdings": ("file", "files"),
    }.get(dataset, ("item", "items"))
    return one if number == 1 else many


def _nothing(mode: str) -> str:
    return {
        "missing": "none misses a row that asking for now could bring.",
        "failed": "none failed when it was asked for last.",
        "stale": "all were asked for since there was last something new.",
        "all": "none.",
    }[mode]


def _reasons(needs: Sequence[WorkItem]) -> list[str]:
    lines = ["| why | to ask for | rows expected |", "|---|---:|---:|"]
    for why in sorted({need.reason for need in needs}):
        own = [need for need in needs if need.reason == why]
        lines.append(f"| {why} | {len(own):,} | {_sum(own)} |")
    return lines


def _sum(rows: Sequence[WorkItem] | Sequence[DataGap]) -> str:
    known = sum(row.rows or 0 for row in rows)
    unknown = sum(row.rows is None for row in rows)
    if not unknown:
        return f"{known:,}"
    return f"{known:,} and unknown" if known else "unknown"


def _where(gap: DataGap) -> str:
    if gap.first is None:
        return _cell(gap.item)
    return f"{_cell(gap.item)} {gap.first}" + (f" to {gap.last}" if gap.last != gap.first else "")


def _cell(text: str) -> str:
    # a caret or an asterisk in a symbol is no markup
    return f"`{text}`"


def _open(need: WorkItem) -> str:
    return "all there is" if need.full_history else "what is new"


def _number(rows: int | None) -> str:
    return "unknown" if rows is None else f"{rows:,}"


def _duration(seconds: float) -> str:
    whole = timedelta(seconds=round(seconds))
    return str(max(whole, timedelta(seconds=1)))
