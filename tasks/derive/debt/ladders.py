"""Maturity ladders: the maturity schedules of filings, and the dates of each bucket.

An annual report counts years from its period end. A quarterly one counts fiscal years in one of two
ways. Until 2020 the definitions of the tags counted from the last completed fiscal year: `YearTwo`
was the year after the current one, whose rest was `RemainderOfFiscalYear` (at some filers still
`InNextTwelveMonths`). Since then they count from the current fiscal year: `InNextTwelveMonths` is
the year after it, and all others move by one. Comparison with the last annual ladder shows which
way a filer counts; where no year repeats, the buckets are rolling twelve-month windows.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tasks.derive.debt.ladder_layout import interim_layout, is_partial_ladder
from tasks.derive.debt.ladder_windows import (
    DAY,
    Window,
    add_months,
    cents,
    clamp_day,
    is_anniversary,
    overlap,
    read_month_day,
)
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import ANNUAL_FORMS, Fact

FAMILIES = ("fiscal", "rolling", "with_leases")
BUCKETS = ("remainder", "year_1", "year_2", "year_3", "year_4", "year_5", "after_4", "after_5")
MONTHS_TO_YEAR_END = {"Q1": 9, "Q2": 6, "Q3": 3}


@dataclass(frozen=True, slots=True)
class Ladder:
    """One ladder as filed.

    Attributes:
        family: fiscal, rolling or with_leases.
        period_end: The day from which buckets are counted.
        layout: Period of `year_1`: annual, rolling, current_year or next_year.
        facts: Bucket to its fact.
        windows: Bucket to its dates; empty where the fiscal year end is unknown.
        is_partial: A bucket has no fact: nothing is due, or the filer does not tag it.
    """

    family: str
    period_end: date
    layout: str
    facts: Mapping[str, Fact]
    windows: Mapping[str, Window]
    is_partial: bool


def bucket_tags() -> dict[str, tuple[str, str]]:
    """Map each ladder tag to its family and bucket."""
    found = {}
    for concept, tags in concepts().items():
        family = next((f for f in FAMILIES if concept.startswith(f"ladder_{f}_")), None)
        if family is not None:
            for tag in tags:
                found[tag] = (family, concept.removeprefix(f"ladder_{family}_"))
    return found


def build_ladders(facts: Sequence[Fact], fiscal_year_end: str | None = None) -> list[Ladder]:
    """Build a company's ladders, one per filing and period end.

    Args:
        facts: All of the company's facts.
        fiscal_year_end: MMDD as the company states it now: for companies whose first ladder is in
            a quarterly report.
    """
    year_ends: list[date] = []
    annual: dict[tuple[str, date], Mapping[str, Fact]] = {}
    ladders, rolling_families = [], set[str]()
    for filing in _group_by_filing(facts):
        if filing.is_annual:
            year_ends = sorted({*year_ends, *_reported_year_ends(filing.buckets, fiscal_year_end)})
        for (end, family), buckets in _largest_family(filing.buckets):
            if end in year_ends or _ends_a_year(end, year_ends, fiscal_year_end):
                layout = "annual"
                annual[family, end] = buckets
            else:
                before = [day for name, day in annual if name == family and day < end]
                last = annual[family, max(before)] if before else {}
                layout = interim_layout(buckets, last, family in rolling_families)
                if layout == "rolling":
                    rolling_families.add(family)
            if family == "rolling":
                layout = "rolling"
            year_end = _year_end(end, buckets, year_ends, fiscal_year_end)
            windows = _windows(layout, end, buckets, year_end)
            is_partial = is_partial_ladder(layout, buckets)
            ladders.append(Ladder(family, end, layout, buckets, windows, is_partial))
    return ladders


@dataclass(frozen=True, slots=True)
class _FiledBuckets:
    """The ladder facts of one filing: period end and family to bucket to fact."""

    is_annual: bool
    buckets: Mapping[tuple[date, str], dict[str, Fact]]


def _group_by_filing(facts: Iterable[Fact]) -> Iterator[_FiledBuckets]:
    """Yield the ladder facts of each filing, oldest filing first."""
    tags = bucket_tags()
    annual_reports = set[str]()
    filings: dict[tuple[date, str], dict[tuple[date, str], dict[str, Fact]]] = {}
    for fact in facts:
        if fact.tag not in tags or fact.end > fact.filed:
            continue
        if fact.form.startswith(ANNUAL_FORMS):
            annual_reports.add(fact.accession)
        family, bucket = tags[fact.tag]
        of_filing = filings.setdefault((fact.filed, fact.accession), {})
        of_filing.setdefault((fact.end, family), {})[bucket] = fact
    for (_, accession), buckets in sorted(filings.items()):
        yield _FiledBuckets(accession in annual_reports, buckets)


def _windows(
    layout: str, end: date, buckets: Collection[str], year_end: date | None
) -> dict[str, Window]:
    """Return the dates of each bucket whose dates are known."""
    windows = {b: w for b in buckets if (w := _window(b, layout, end, year_end))}
    if layout == "annual" and "remainder" in buckets and "year_1" not in buckets:
        # at a fiscal year end the remainder is all of the next year
        windows["remainder"] = Window(end + DAY, add_months(end, 12))
    return windows


def _reported_year_ends(
    found: Mapping[tuple[date, str], Collection[str]], month_day: str | None
) -> set[date]:
    """Return the fiscal year ends of an annual report's ladders.

    The report's own is the last of the days with the most buckets: a note may concern another day.
    """
    stated = read_month_day(month_day)
    _, _, best = max(
        (len(buckets), stated is not None and is_anniversary(end, *stated), end)
        for (end, _), buckets in found.items()
    )
    return {end for end, _ in found if is_anniversary(end, best.month, best.day)}


def _ends_a_year(end: date, year_ends: Sequence[date], month_day: str | None) -> bool:
    """Return whether a quarterly report's ladder is of a fiscal year end without an annual ladder.

    By the previous year end and by the stated one, which may be newer than a change of year.
    """
    before = [(day.month, day.day) for day in year_ends if day < end][-1:]
    stated = read_month_day(month_day)
    year_end_days = [*before, *([] if stated is None else [stated])]
    return bool(year_end_days) and all(is_anniversary(end, *each) for each in year_end_days)


def _largest_family(
    found: Mapping[tuple[date, str], dict[str, Fact]],
) -> Iterator[tuple[tuple[date, str], dict[str, Fact]]]:
    """Yield a filing's ladders, one per period end: the family with the most buckets."""
    for end in sorted({end for end, _ in found}):
        families = [family for family in FAMILIES if (end, family) in found]
        best = max(families, key=lambda family: len(found[end, family]))
        yield (end, best), found[end, best]


def _year_end(
    end: date, buckets: Mapping[str, Fact], year_ends: Sequence[date], month_day: str | None
) -> date | None:
    """Return the end of the fiscal year under way at a quarter's end, to a week."""
    before = [day for day in year_ends if day < end]
    if before:
        # a year that began a few days off its anniversary
        return _next_anniversary(before[-1], end)
    stated = read_month_day(month_day)
    if stated is not None:
        return _next_anniversary(clamp_day(end.year - 1, *stated), end)
    months = {MONTHS_TO_YEAR_END.get(fact.fiscal_period or "") for fact in buckets.values()} - {
        None
    }
    if len(months) == 1:
        return add_months(end, next(iter(months)) or 0)
    return None


def _next_anniversary(anniversary: date, end: date) -> date:
    """Return the first anniversary more than half a quarter after the other day."""
    years = 1
    while add_months(anniversary, 12 * years) <= end + 45 * DAY:
        years += 1
    return add_months(anniversary, 12 * years)


def _window(bucket: str, layout: str, end: date, year_end: date | None) -> Window | None:
    if layout in ("annual", "rolling"):
        first, origin = end, 1
    elif year_end is None:
        return None
    else:
        first, origin = year_end, (2 if layout == "current_year" else 1)
        rest = Window(end + DAY, year_end)
        if bucket == "remainder" or (layout == "current_year" and bucket == "year_1"):
            return rest
    if bucket == "remainder":
        return None
    kind, number = bucket.split("_")
    years = int(number) - origin
    if kind == "after":
        return Window(add_months(first, 12 * (years + 1)) + DAY, None)
    return Window(add_months(first, 12 * years) + DAY, add_months(first, 12 * (years + 1)))


# bucket to cents and, where known, dates
Buckets = dict[str, tuple[int, Window | None]]


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


def ladders_as_of(ladders: Sequence[Ladder], day: date) -> Iterator[LadderAsOf]:
    """Yield the ladders known on a day, one per period end, newest first.

    The family with the most buckets counts, the newest of several; its filings are merged.

    Args:
        ladders: As `build_ladders` returns them, oldest filing first.
        day: Filings known by then count.
    """
    known = [each for each in ladders if _first_fact(each).known_from <= day]
    for end in sorted({each.period_end for each in known}, reverse=True):
        of_day = [each for each in known if each.period_end == end]
        buckets: dict[str, set[str]] = {}
        for each in reversed(of_day):
            buckets.setdefault(each.family, set()).update(each.facts)
        # max returns the newest of several: a later report may repeat a line of another family
        family = max(buckets, key=lambda name: len(buckets[name]))
        parts = [each for each in of_day if each.family == family]
        merged = merge_filings(
            {b: (cents(fact.value), part.windows.get(b)) for b, fact in part.facts.items()}
            for part in parts
        )
        amounts = {bucket: amount for bucket, (amount, _) in merged.items()}
        windows = {bucket: window for bucket, (_, window) in merged.items() if window is not None}
        newest = parts[-1]
        partial = is_partial_ladder(newest.layout, amounts)
        whole = Ladder(family, end, newest.layout, newest.facts, windows, partial)
        yield LadderAsOf(whole, amounts, windows, _first_fact(newest).accession)


def merge_filings(filings: Iterable[Buckets]) -> Buckets:
    """Merge the buckets of the filings of one ladder.

    A filing that repeats a bucket replaces its amount and dates, and buckets of other names whose
    dates overlap it.

    Args:
        filings: Buckets per filing, oldest first.
    """
    merged: Buckets = {}
    for buckets in filings:
        repeated = [window for _, window in buckets.values() if window is not None]
        merged = {
            name: (amount, window)
            for name, (amount, window) in merged.items()
            if window is None or not any(overlap(window, each) for each in repeated)
        } | buckets
    return merged


def _first_fact(ladder: Ladder) -> Fact:
    return next(iter(ladder.facts.values()))
