"""Maturity ladders as known on a day: the filings of one period end merged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tasks.derive.debt.ladder_layout import is_partial_ladder
from tasks.derive.debt.ladder_windows import (
    DAY,
    SHORT_TERM,
    WEEK,
    Buckets,
    Window,
    add_months,
    due_within,
    overlap,
)
from tasks.derive.debt.ladders import Ladder

FiledBuckets = dict[str, tuple[int, Window | None]]


@dataclass(frozen=True, slots=True)
class LadderAsOf:
    """The ladder of a period end as known on a day.

    Attributes:
        ladder: The newest filing's, with the dates of all filings.
        amounts: Bucket to cents, merged over filings (`merge_filings`).
        windows: Bucket to its dates.
        accession: The accession number of the newest filing.
    """

    ladder: Ladder
    amounts: Mapping[str, int]
    windows: Mapping[str, Window]
    accession: str

    @property
    def buckets(self) -> Buckets:
        """All buckets with cents and, where known, dates."""
        return {bucket: (cents, self.windows.get(bucket)) for bucket, cents in self.amounts.items()}

    @property
    def total_usd(self) -> float:
        """The sum of its buckets."""
        return sum(self.amounts.values()) / 100

    def due_within(self, months: int) -> int | None:
        """Return cents due within months of its day; None where a bucket in between is missing."""
        end = self.ladder.period_end
        return due_within(self.amounts, self.windows, end, add_months(end, months))


def ladders_as_of(ladders: Sequence[Ladder], day: date) -> Iterator[LadderAsOf]:
    """Yield the ladders known on a day, one per period end, newest first.

    The family with the most buckets counts, the newest of several; its filings are merged.

    Args:
        ladders: As `build_ladders` returns them, oldest filing first.
        day: Filings known by then count.
    """
    known = [each for each in ladders if each.filing.known_from <= day]
    for end in sorted({each.period_end for each in known}, reverse=True):
        of_day = [each for each in known if each.period_end == end]
        buckets: dict[str, set[str]] = {}
        for each in reversed(of_day):
            buckets.setdefault(each.family, set()).update(each.facts)
        # max returns the newest of several: a later report may repeat a line of another family
        family = max(buckets, key=lambda name: len(buckets[name]))
        parts = [each for each in of_day if each.family == family]
        merged = merge_filings(part.buckets for part in parts)
        amounts = {bucket: amount for bucket, (amount, _) in merged.items()}
        windows = {bucket: window for bucket, (_, window) in merged.items() if window is not None}
        newest = parts[-1]
        partial = is_partial_ladder(newest.layout, amounts)
        whole = replace(newest, windows=windows, is_partial=partial)
        yield LadderAsOf(whole, amounts, windows, newest.filing.accession)


def merge_filings(filings: Iterable[Buckets]) -> FiledBuckets:
    """Merge the buckets of the filings of one ladder.

    A filing that repeats a bucket replaces its amount and dates, and buckets of other names whose
    dates overlap it. Short-term borrowings are those of the newest filing.

    Args:
        filings: Buckets per filing, oldest first.
    """
    merged: FiledBuckets = {}
    for buckets in filings:
        repeated = [
            window
            for name, (_, window) in buckets.items()
            if window is not None and name != SHORT_TERM
        ]
        merged = {
            name: (amount, window)
            for name, (amount, window) in merged.items()
            if name != SHORT_TERM
            and (window is None or not any(overlap(window, each) for each in repeated))
        } | dict(buckets)
    return merged


def complete_years(near: Buckets, whole: Buckets) -> list[tuple[int, Window | None]]:
    """Return the amounts of a ladder and, after its last day, those of another one.

    A bucket of the other across that day counts by days. Short-term borrowings are the first's.

    Args:
        near: The newer ladder.
        whole: An older one that goes further.
    """
    windows = [window for _, window in near.values() if window is not None]
    ends = [window.end for window in windows if window.end is not None]
    if not ends or len(ends) < len(windows):
        return [*near.values()]
    last, later = max(ends), list[tuple[int, Window | None]]()
    for amount, window in whole.values():
        if window is None or window.start > last - WEEK * DAY:
            later.append((amount, window))
        elif window.end is not None and window.end > last + WEEK * DAY:
            days = (window.end - window.start).days + 1
            rest = Window(last + DAY, window.end)
            part = amount * ((rest.end or last) - last).days // days
            later.append((part, rest))
    return [*near.values(), *later]
