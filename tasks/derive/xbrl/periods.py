"""Quarters and years from what was filed: differences of year-to-date figures, trailing years.

A sum is made of one tag's facts where it can be, so that the parts mean the same; where a filer
changed tags, of the fewest that will do. A part that is missing makes the whole unknown, and so
does one that was restated since without the others: a year with a division that was sold less a
quarter without it is no figure of any company.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import fsum

from tasks.derive.xbrl.facts import FISCAL_YEAR_DAYS, Fact, FactsByPeriod

DAY = timedelta(days=1)
# 12 weeks to 17: retailers close one long quarter a year
FISCAL_QUARTER_DAYS = (75, 120)
# how far two fiscal calendars' ends a year apart may be off each other: a week, and a weekend
CALENDAR_DRIFT_DAYS = 10
# a year to the next annual report, and 90 days to file it
MAX_REPORT_AGE = timedelta(days=456)
# what a restatement may move, of the largest figure, without a change of what is counted
RESTATEMENT_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class PeriodAmount:
    """An amount over a period, with the facts that it is made of."""

    start: date
    end: date
    value: float
    facts: tuple[Fact, ...]

    @property
    def days(self) -> int:
        """The length of the period."""
        return (self.end - self.start).days + 1

    @property
    def accessions(self) -> tuple[str, ...]:
        """The filings that it is made of, in order."""
        return tuple(sorted({fact.accession for fact in self.facts}))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that it is made of, in order."""
        return tuple(sorted({fact.tag for fact in self.facts}))


def _period_amount(
    plus: Sequence[Fact], minus: Sequence[Fact], start: date, end: date
) -> PeriodAmount:
    value = fsum([*(fact.value for fact in plus), *(-fact.value for fact in minus)])
    return PeriodAmount(start, end, value, (*plus, *minus))


def _facts_of_length(spans: FactsByPeriod, end: date, bounds: tuple[int, int]) -> Iterator[Fact]:
    """The facts that end on a day after a length within the bounds, the latest start first."""
    for start in sorted(spans.get(end, ()), reverse=True):
        if bounds[0] <= (end - start).days + 1 <= bounds[1]:
            yield spans[end][start]


def _fact_starting_on(starts: Mapping[date, Fact], start: date) -> Fact | None:
    """The fact that starts on a day, or on one beside it: some filers count the day before in."""
    days = (start, start - DAY, start + DAY)
    return next((starts[day] for day in days if day in starts), None)


def _is_same_basis(one: Fact, other: Fact) -> bool:
    """Whether neither of two was restated, by more than a little, after the other was filed.

    One that was restated itself, before, is of the other's new basis. One that was first filed
    after the other is of its basis until it is restated.
    """
    newer, older = (one, other) if one.filed > other.filed else (other, one)
    was = newer
    while was.superseded is not None and was.value_known_since > older.filed:
        was = was.superseded
    most = RESTATEMENT_TOLERANCE * max(abs(one.value), abs(other.value))
    return not _has_moved(newer, was, most) or _has_moved(older, older.superseded, most)


def _has_moved(fact: Fact, was: Fact | None, most: float) -> bool:
    return was is not None and abs(fact.value - was.value) > most


def fiscal_year(series: Sequence[FactsByPeriod], end: date) -> PeriodAmount | None:
    """The year that ends on a day, as filed."""
    for spans in series:
        for fact in _facts_of_length(spans, end, FISCAL_YEAR_DAYS):
            return _period_amount([fact], [], fact.start, end)
    return None


def quarter(series: Sequence[FactsByPeriod], end: date) -> PeriodAmount | None:
    """The quarter that ends on a day: as filed, or a year to date less what it has besides.

    That is the year to date before it, or the quarters one by one.
    """
    for spans in series:
        for fact in _facts_of_length(spans, end, FISCAL_QUARTER_DAYS):
            return _period_amount([fact], [], fact.start, end)
        for whole in _facts_of_length(
            spans, end, (FISCAL_QUARTER_DAYS[1] + 1, FISCAL_YEAR_DAYS[1])
        ):
            for before in sorted(spans, reverse=True):
                length = (end - before).days
                if length > FISCAL_QUARTER_DAYS[1]:
                    break
                part = _fact_starting_on(spans[before], whole.start)
                if (
                    length >= FISCAL_QUARTER_DAYS[0]
                    and part is not None
                    and _is_same_basis(whole, part)
                ):
                    return _period_amount([whole], [part], before + DAY, end)
            found = _subtract_quarters(spans, whole)
            if found is not None:
                return found
    return None


def _subtract_quarters(spans: FactsByPeriod, whole: Fact) -> PeriodAmount | None:
    """What is left of a year to date after all of its quarters but the last."""
    parts: list[Fact] = []
    start = whole.start
    while (whole.end - start).days >= FISCAL_QUARTER_DAYS[1]:
        following = (
            fact
            for each in spans.values()
            if (fact := each.get(start)) is not None
            and FISCAL_QUARTER_DAYS[0] <= (fact.end - start).days + 1 <= FISCAL_QUARTER_DAYS[1]
        )
        part = next(following, None)
        if part is None or not _is_same_basis(whole, part):
            return None
        parts.append(part)
        start = part.end + DAY
    is_quarter = (whole.end - start).days + 1 >= FISCAL_QUARTER_DAYS[0]
    return _period_amount([whole], parts, start, whole.end) if is_quarter else None


def trailing_twelve_months(series: Sequence[FactsByPeriod], end: date) -> PeriodAmount | None:
    """The twelve months that end on a day.

    The year as filed; the last year, plus the year to date, less the year to date a year before;
    or four quarters that follow each other. By the best tag alone, else by the next one, else by
    both, and so on: a filer that changed tags in the year has the parts under two.
    """
    for count, spans in enumerate(series, start=1):
        found = _trailing([spans], end)
        if found is None and count > 1:
            found = _trailing(series[:count], end)
        if found is not None:
            return found
    return None


def _trailing(series: Sequence[FactsByPeriod], end: date) -> PeriodAmount | None:
    return fiscal_year(series, end) or _ttm_from_ytd(series, end) or _four_quarters(series, end)


def _ttm_from_ytd(series: Sequence[FactsByPeriod], end: date) -> PeriodAmount | None:
    for spans in series:
        for so_far in _facts_of_length(
            spans, end, (FISCAL_QUARTER_DAYS[0], FISCAL_YEAR_DAYS[0] - 1)
        ):
            ends = (so_far.start - DAY, so_far.start, so_far.start - 2 * DAY)
            last = next((year for day in ends if (year := fiscal_year(series, day))), None)
            if last is None:
                continue
            length = so_far.end - so_far.start
            expected = last.start + length
            for back in range(2 * CALENDAR_DRIFT_DAYS + 1):
                # nearest first: 0, -1, +1, -2, ...
                shift = (back + 1) // 2 * (-1 if back % 2 else 1)
                before = _fact_starting_on(spans.get(expected + shift * DAY, {}), last.start)
                if before is not None and _is_same_basis(last.facts[0], before):
                    start = before.end + DAY
                    return _period_amount([*last.facts, so_far], [before], start, end)
    return None


def _four_quarters(series: Sequence[FactsByPeriod], end: date) -> PeriodAmount | None:
    parts: list[PeriodAmount] = []
    until = end
    for _ in range(4):
        part = quarter(series, until)
        if part is None:
            return None
        parts.append(part)
        until = part.start - DAY
    start = parts[-1].start
    if not FISCAL_YEAR_DAYS[0] <= (end - start).days + 1 <= FISCAL_YEAR_DAYS[1]:
        return None
    facts = tuple(fact for part in parts for fact in part.facts)
    return PeriodAmount(start, end, fsum(part.value for part in parts), facts)


def last_quarters(series: Sequence[FactsByPeriod], end: date, count: int) -> list[PeriodAmount]:
    """Up to so many quarters that follow each other, the newest first."""
    found: list[PeriodAmount] = []
    until = end
    while len(found) < count:
        part = quarter(series, until)
        if part is None:
            break
        found.append(part)
        until = part.start - DAY
    return found


def latest_fiscal_year_end(
    series: Sequence[FactsByPeriod], year_ends: Collection[date]
) -> date | None:
    """The end of the newest fiscal year that was filed.

    Args:
        series: The concepts' facts.
        year_ends: The days on which fiscal years ended (`Knowledge.year_ends`).
    """
    ends = [
        end
        for spans in series
        for end in spans
        if end in year_ends and any(_facts_of_length(spans, end, FISCAL_YEAR_DAYS))
    ]
    return max(ends) if ends else None
