"""Maturity ladders: which dates each bucket covers.

An annual report counts years from its period's end. A quarterly one counts fiscal years, in one of
two ways: until 2020 the tags' own text counted from the last year that had ended, so `YearTwo` was
the year after the one under way, whose rest was `RemainderOfFiscalYear` (or, at some, still called
`InNextTwelveMonths`); since then it counts from the year under way, so `InNextTwelveMonths` is the
year after it and all others move up by one. What a filer did shows in its last annual ladder; where
none of its years come again, the quarterly one counts twelve months each from its own day.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

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
# Filings from here on follow the tags' newer text.
TAXONOMY_CHANGE_DATE = date(2020, 7, 1)
# principal that nothing was repaid of is the same in the next report; rounding and costs move it
MATCHES, LEAST_MATCHES = 0.02, 2
MONTHS_TO_YEAR_END = {"Q1": 9, "Q2": 6, "Q3": 3}


@dataclass(frozen=True, slots=True)
class Ladder:
    """One ladder as filed.

    Attributes:
        family: fiscal, rolling or with_leases.
        period_end: The day that it is counted from.
        layout: annual, rolling, current_year or next_year: what `year_1` is in it.
        facts: Bucket to the fact behind it.
        windows: Bucket to its dates; empty where no fiscal year's end is known.
        is_partial: A bucket has no fact: nothing is due then, or the filer has no tag for it.
    """

    family: str
    period_end: date
    layout: str
    facts: Mapping[str, Fact]
    windows: Mapping[str, Window]
    is_partial: bool


def bucket_tags() -> dict[str, tuple[str, str]]:
    """Tag to the family and the bucket that it stands for."""
    found = {}
    for concept, tags in concepts().items():
        family = next((f for f in FAMILIES if concept.startswith(f"ladder_{f}_")), None)
        if family is not None:
            for tag in tags:
                found[tag] = (family, concept.removeprefix(f"ladder_{family}_"))
    return found


def build_ladders(facts: Sequence[Fact], fiscal_year_end: str | None = None) -> list[Ladder]:
    """A company's ladders, one per filing, period end and family.

    Args:
        facts: All of the company's facts.
        fiscal_year_end: The company's own word for it, MMDD, as it is now: for those whose first
            ladder is in a quarterly report.
    """
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
    year_ends: list[date] = []
    annual: dict[tuple[str, date], Mapping[str, Fact]] = {}
    ladders, rolled = [], set[str]()
    for (_, accession), found in sorted(filings.items()):
        if accession in annual_reports:
            year_ends = sorted({*year_ends, *_reported_year_ends(found, fiscal_year_end)})
        for (end, family), buckets in _largest_family(found):
            if end in year_ends or _ends_a_year(end, year_ends, fiscal_year_end):
                layout = "annual"
                annual[family, end] = buckets
            else:
                before = [day for name, day in annual if name == family and day < end]
                last = annual[family, max(before)] if before else {}
                layout = _interim_layout(buckets, last, family in rolled)
                rolled |= {family} if layout == "rolling" else set()
            if family == "rolling":
                layout = "rolling"
            year_end = _year_end(end, buckets, year_ends, fiscal_year_end)
            windows = {b: w for b in buckets if (w := _window(b, layout, end, year_end))}
            if layout == "annual" and "remainder" in buckets and "year_1" not in buckets:
                # at a year's end the rest is all of the next one
                windows["remainder"] = Window(end + DAY, add_months(end, 12))
            partial = _is_partial(layout, buckets)
            ladders.append(Ladder(family, end, layout, buckets, windows, partial))
    return ladders


def _reported_year_ends(
    found: Mapping[tuple[date, str], Collection[str]], month_day: str | None
) -> set[date]:
    """The year's end that an annual report is of, and those of the years beside it.

    The day that it has the most buckets for, the last of such days: a note may tell of another.
    """
    word = read_month_day(month_day)
    _, _, best = max(
        (len(buckets), word is not None and is_anniversary(end, *word), end)
        for (end, _), buckets in found.items()
    )
    return {end for end, _ in found if is_anniversary(end, best.month, best.day)}


def _ends_a_year(end: date, year_ends: Sequence[date], month_day: str | None) -> bool:
    """Whether a quarterly report's ladder is that of a year's end that no annual one was of.

    By the year before and by the company's own word, which may be newer than a change of its year.
    """
    before = [(day.month, day.day) for day in year_ends if day < end][-1:]
    word = read_month_day(month_day)
    said = [*before, *([] if word is None else [word])]
    return bool(said) and all(is_anniversary(end, *each) for each in said)


def _largest_family(
    found: Mapping[tuple[date, str], dict[str, Fact]],
) -> Iterator[tuple[tuple[date, str], dict[str, Fact]]]:
    """A filing's ladders, one per period end: of the family with the most buckets."""
    for end in sorted({end for end, _ in found}):
        families = [family for family in FAMILIES if (end, family) in found]
        best = max(families, key=lambda family: len(found[end, family]))
        yield (end, best), found[end, best]


def _interim_layout(
    buckets: Mapping[str, Fact], annual: Mapping[str, Fact], is_rolling_filer: bool
) -> str:
    """How a quarterly ladder counts its years; one that did roll does so where nothing else shows.

    Where nothing is left out, the first bucket begins at once: it is the rest of the year, or the
    ladder rolls, and its amounts are then those of no fiscal years.
    """
    has_rest, has_first = "remainder" in buckets, "year_1" in buckets
    if has_rest and has_first:
        return "next_year"
    is_whole = has_first and "after_5" in buckets
    same, moved = _distance(buckets, annual, 0), _distance(buckets, annual, 1)
    matches = max(_matches(buckets, annual, 0), _matches(buckets, annual, 1))
    if is_whole and matches < LEAST_MATCHES and is_rolling_filer:
        return "rolling"
    shows = matches >= LEAST_MATCHES or not is_whole or "year_1" not in annual
    if shows and same is not None and moved is not None and same != moved:
        return "current_year" if same < moved else "next_year"
    if has_rest:
        return "current_year"
    if is_whole and "year_1" in annual:
        # what is left of the last annual one's first year is the rest of that year
        is_less = buckets["year_1"].value < annual["year_1"].value
        return "current_year" if is_less else "rolling"
    newest = max(fact.filed for fact in buckets.values())
    if newest < TAXONOMY_CHANGE_DATE:
        return "current_year"
    return "rolling" if is_whole else "next_year"


def _matches(buckets: Mapping[str, Fact], annual: Mapping[str, Fact], move: int) -> int:
    """How many of a ladder's years are the annual one's, moved by so many, but for costs."""
    pairs = ((buckets.get(f"year_{n}"), annual.get(f"year_{n + move}")) for n in range(1, 6))
    return sum(
        abs(here.value - there.value) <= MATCHES * max(abs(here.value), abs(there.value))
        for here, there in pairs
        if here is not None and there is not None
    )


def _distance(buckets: Mapping[str, Fact], annual: Mapping[str, Fact], move: int) -> float | None:
    """How far a ladder's years are from the annual one's, moved by so many; in dollars."""
    off = []
    for number in (2, 3, 4):
        here, there = f"year_{number}", f"year_{number + move}"
        if here in buckets and there in annual:
            off.append(abs(buckets[here].value - annual[there].value))
    return sum(off) / len(off) if off else None


def _year_end(
    end: date, buckets: Mapping[str, Fact], year_ends: Sequence[date], month_day: str | None
) -> date | None:
    """The end of the fiscal year under way at a quarter's end, to a week."""
    before = [day for day in year_ends if day < end]
    if before:
        # a year that began a few days off its anniversary
        return _following(before[-1], end)
    word = read_month_day(month_day)
    if word is not None:
        return _following(clamp_day(end.year - 1, *word), end)
    months = {MONTHS_TO_YEAR_END.get(fact.fiscal_period or "") for fact in buckets.values()} - {
        None
    }
    if len(months) == 1:
        return add_months(end, next(iter(months)) or 0)
    return None


def _following(anniversary: date, end: date) -> date:
    """The first anniversary of a day that is more than half a quarter after another."""
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
    past = int(number) - origin
    if kind == "after":
        return Window(add_months(first, 12 * (past + 1)) + DAY, None)
    return Window(add_months(first, 12 * past) + DAY, add_months(first, 12 * (past + 1)))


def _is_partial(layout: str, buckets: Collection[str]) -> bool:
    years = {f"year_{n}" for n in (2, 3, 4, 5)}
    if layout in ("annual", "rolling"):
        return not {*years, "year_1", "after_5"} <= set(buckets)
    if layout == "current_year":
        return not ({*years, "after_5"} <= set(buckets) and {"remainder", "year_1"} & set(buckets))
    needed = {"remainder", "year_1", *(years - {"year_5"})}
    return not (
        needed <= set(buckets)
        and ({"after_4"} & set(buckets) or ({"year_5", "after_5"} <= set(buckets)))
    )


# bucket to cents and dates, where these are known
Buckets = dict[str, tuple[int, Window | None]]


@dataclass(frozen=True, slots=True)
class LadderAsOf:
    """A period end's ladder as known on a day.

    Attributes:
        ladder: The one of the newest filing.
        amounts: Bucket to cents, of all filings (`merge_filings`).
        windows: Bucket to its dates.
        accession: The newest filing.
    """

    ladder: Ladder
    amounts: Mapping[str, int]
    windows: Mapping[str, Window]
    accession: str


def ladders_as_of(ladders: Sequence[Ladder], day: date) -> Iterator[LadderAsOf]:
    """The ladders that were known on a day, one per period end, the newest first.

    Of families the one with the most buckets counts, the newest of such; its filings are merged.

    Args:
        ladders: As `build_ladders` returns them, oldest filing first.
        day: Only what was known by then counts.
    """
    known = [each for each in ladders if _first_fact(each).known_from <= day]
    for end in sorted({each.period_end for each in known}, reverse=True):
        of_day = [each for each in known if each.period_end == end]
        buckets: dict[str, set[str]] = {}
        for each in reversed(of_day):
            buckets.setdefault(each.family, set()).update(each.facts)
        # the newest of those with the most: a later report may repeat a line of another family
        family = max(buckets, key=lambda name: len(buckets[name]))
        parts = [each for each in of_day if each.family == family]
        merged = merge_filings(
            {b: (cents(fact.value), part.windows.get(b)) for b, fact in part.facts.items()}
            for part in parts
        )
        amounts = {bucket: amount for bucket, (amount, _) in merged.items()}
        windows = {bucket: window for bucket, (_, window) in merged.items() if window is not None}
        newest = parts[-1]
        partial = _is_partial(newest.layout, amounts)
        whole = Ladder(family, end, newest.layout, newest.facts, windows, partial)
        yield LadderAsOf(whole, amounts, windows, _first_fact(newest).accession)


def merge_filings(filings: Iterable[Buckets]) -> Buckets:
    """What the filings of one ladder say together.

    A filing that repeats a part of the ladder replaces that part, amount and dates: the bucket of
    that name, and those of other names that have dates in common with it.

    Args:
        filings: The buckets of each, oldest filing first.
    """
    merged: Buckets = {}
    for buckets in filings:
        again = [window for _, window in buckets.values() if window is not None]
        merged = {
            name: (amount, window)
            for name, (amount, window) in merged.items()
            if window is None or not any(overlap(window, each) for each in again)
        } | buckets
    return merged


def _first_fact(ladder: Ladder) -> Fact:
    return next(iter(ladder.facts.values()))
