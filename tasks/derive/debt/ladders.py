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
from datetime import date, timedelta

from tasks.derive.debt.ladder_agreement import DatedBuckets
from tasks.derive.debt.ladder_layout import (
    InterimLadder,
    interim_layout,
    is_a_year_later,
    is_partial_ladder,
)
from tasks.derive.debt.ladder_windows import (
    DAY,
    SHORT_TERM,
    Buckets,
    Window,
    add_months,
    cents,
    clamp_day,
    is_anniversary,
    read_month_day,
)
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import ANNUAL_FORMS, Fact

FAMILIES = ("fiscal", "rolling", "with_leases")
BUCKETS = ("remainder", "year_1", "year_2", "year_3", "year_4", "year_5", "after_4", "after_5")
# a ladder of the same quarter, a few days off, is no earlier one
MIN_QUARTER = timedelta(days=45)
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
        short_term_usd: Short-term borrowings in total debt that the ladder does not hold.
    """

    family: str
    period_end: date
    layout: str
    facts: Mapping[str, Fact]
    windows: Mapping[str, Window]
    is_partial: bool
    short_term_usd: float = 0.0

    @property
    def short_term_window(self) -> Window:
        """The twelve months within which short-term borrowings fall due."""
        return Window(self.period_end + DAY, add_months(self.period_end, 12))

    @property
    def buckets(self) -> Buckets:
        """All buckets with cents and, where known, dates."""
        found: dict[str, tuple[int, Window | None]] = {
            bucket: (cents(fact.value), self.windows.get(bucket))
            for bucket, fact in self.facts.items()
        }
        if self.short_term_usd:
            found[SHORT_TERM] = (cents(self.short_term_usd), self.short_term_window)
        return found

    @property
    def filing(self) -> Fact:
        """One of its facts, for the filing that it is of."""
        return next(iter(self.facts.values()))


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
    history, portions = _History(), _current_portions(facts)
    ladders = []
    for filing in _group_by_filing(facts):
        if filing.is_annual:
            year_ends = sorted({*year_ends, *_reported_year_ends(filing.buckets, fiscal_year_end)})
        for (end, family), buckets in _largest_family(filing.buckets):
            filed = _FiledLadder(
                family,
                end,
                buckets,
                _year_end(end, buckets, year_ends, fiscal_year_end),
                has_rest=any("remainder" in filing.buckets.get((end, f), ()) for f in FAMILIES),
            )
            is_annual = end in year_ends or _ends_a_year(end, year_ends, fiscal_year_end)
            if is_annual:
                layout = history.annual_layout(filed)
            else:
                layout = history.interim_layout(filed, portions.get((filing.accession, end)))
            history.add(filed, layout, is_annual=is_annual)
            windows = filed.windows(layout)
            is_partial = is_partial_ladder(layout, buckets)
            ladders.append(Ladder(family, end, layout, buckets, windows, is_partial))
    return ladders


@dataclass(frozen=True, slots=True)
class _FiledLadder:
    """A ladder before its layout is known.

    Attributes:
        year_end: The end of the fiscal year under way.
        has_rest: The filing states the rest of that year, in any family.
    """

    family: str
    end: date
    facts: Mapping[str, Fact]
    year_end: date | None
    has_rest: bool

    def windows(self, layout: str) -> dict[str, Window]:
        """Return the dates of each bucket whose dates are known."""
        return _windows(layout, self.end, self.facts, self.year_end)

    def dated(self, layout: str) -> DatedBuckets:
        """Return the buckets whose dates are known, with their dates under a layout."""
        windows = self.windows(layout)
        return {b: (self.facts[b].value, window) for b, window in windows.items()}


class _History:
    """The ladders of earlier filings, with which a later one is compared."""

    def __init__(self) -> None:
        self._dated: dict[tuple[str, date], DatedBuckets] = {}
        self._annual: set[tuple[str, date]] = set()
        self._rolling_families: set[str] = set()

    def add(self, filed: _FiledLadder, layout: str, *, is_annual: bool) -> None:
        """Add a ladder with its layout."""
        key = (filed.family, filed.end)
        self._dated[key] = filed.dated(layout)
        if is_annual:
            self._annual.add(key)
        elif layout == "rolling" and len(filed.facts) > 1:
            self._rolling_families.add(filed.family)

    def annual_layout(self, filed: _FiledLadder) -> str:
        """Return the layout of a ladder of a fiscal year end."""
        earlier = [each for each in self._earlier(filed) if each]
        annual, later = filed.dated("annual"), filed.dated("next_year")
        if is_a_year_later(annual, later, earlier):
            return "next_year"
        return "rolling" if filed.family == "rolling" else "annual"

    def interim_layout(self, filed: _FiledLadder, portion: float | None) -> str:
        """Return the layout of a ladder of another quarter's end."""
        annual, last = self._earlier(filed)
        return interim_layout(
            InterimLadder(
                filed.family,
                {bucket: fact.value for bucket, fact in filed.facts.items()},
                filed.has_rest,
                max(fact.filed for fact in filed.facts.values()),
                filed.dated,
                annual,
                [each for each in (annual, last) if each],
                portion,
                filed.family in self._rolling_families,
            )
        )

    def _earlier(self, filed: _FiledLadder) -> tuple[DatedBuckets, DatedBuckets]:
        """Return the last annual ladder and the last of all before a day, of the same family."""
        before = [(end, family) for family, end in self._dated if end < filed.end - MIN_QUARTER]
        same = [each for each in before if each[1] == filed.family] or before
        annual = [(end, family) for end, family in same if (family, end) in self._annual]
        newest = (max(each, default=None) for each in (annual, same))
        last_annual, last = ({} if key is None else self._dated[key[::-1]] for key in newest)
        return last_annual, last


def _current_portions(facts: Iterable[Fact]) -> dict[tuple[str, date], float]:
    """Map filing and day to the current portion of long-term debt, the preferred tag's."""
    found: dict[tuple[str, date], float] = {}
    tags = concepts()["debt_long_term_current"]
    ranked = sorted((f for f in facts if f.tag in tags), key=lambda f: tags.index(f.tag))
    for fact in ranked:
        found.setdefault((fact.accession, fact.end), fact.value)
    return found


@dataclass(frozen=True, slots=True)
class _FiledBuckets:
    """The ladder facts of one filing: period end and family to bucket to fact."""

    accession: str
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
        yield _FiledBuckets(accession, accession in annual_reports, buckets)


def _windows(
    layout: str, end: date, buckets: Collection[str], year_end: date | None
) -> dict[str, Window]:
    """Return the dates of each bucket whose dates are known."""
    windows = {b: w for b in buckets if (w := _window(b, layout, end, year_end))}
    counts_from_next_day = layout in ("annual", "rolling")
    if counts_from_next_day and "remainder" in buckets and "year_1" not in buckets:
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
