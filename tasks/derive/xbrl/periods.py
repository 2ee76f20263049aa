"""Amounts by quarter, fiscal year and trailing twelve months, from filed periods.

A sum uses facts of one tag where possible, so that its parts have one meaning; where a filer
changed tags, of as few tags as possible. A missing part makes the sum unknown, and so does a part
restated without the others, or of another company: a year with a division since sold, less a
quarter without it, is not a meaningful amount, and neither is a shell's year with its acquirer's.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from math import fsum

from tasks.derive.xbrl.basis import is_one_basis, is_one_company, on_basis_of
from tasks.derive.xbrl.facts import FISCAL_QUARTER_DAYS, FISCAL_YEAR_DAYS, Fact, FactsByPeriod

DAY = timedelta(days=1)
# drift between period ends a year apart: a week and a weekend
CALENDAR_DRIFT_DAYS = 10
# between the fiscal and the calendar days of a quarter
MAX_QUARTER_DRIFT_DAYS = 4
# a year until the next annual report, and 90 days to file it
MAX_REPORT_AGE = timedelta(days=456)


@dataclass(frozen=True, slots=True)
class PeriodAmount:
    """An amount over a period and its facts."""

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
        """The accession numbers of its facts, in order."""
        return tuple(sorted({fact.accession for fact in self.facts}))

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of its facts, in order."""
        return tuple(sorted({fact.tag for fact in self.facts}))


def _period_amount(
    plus: Sequence[Fact], minus: Sequence[Fact], start: date, end: date
) -> PeriodAmount:
    value = fsum([*(fact.value for fact in plus), *(-fact.value for fact in minus)])
    return PeriodAmount(start, end, value, (*plus, *minus))


def _facts_of_length(spans: FactsByPeriod, end: date, bounds: tuple[int, int]) -> list[Fact]:
    """Return the facts that end on a day and whose length is within bounds, latest start first."""
    facts = spans.get(end)
    if facts is None:
        return []
    starts = [start for start in facts if bounds[0] <= (end - start).days + 1 <= bounds[1]]
    return [facts[start] for start in sorted(starts, reverse=True)]


def _fact_starting_on(starts: Mapping[date, Fact], start: date) -> Fact | None:
    """Return the fact that starts within a day of `start`: some filers include the day before."""
    days = (start, start - DAY, start + DAY)
    return next((starts[day] for day in days if day in starts), None)


def fiscal_year(series: Sequence[FactsByPeriod], end: date) -> PeriodAmount | None:
    """Return the fiscal year that ends on a day, as filed."""
    for spans in series:
        for fact in _facts_of_length(spans, end, FISCAL_YEAR_DAYS):
            return _period_amount([fact], [], fact.start, end)
    return None


def quarter(
    series: Sequence[FactsByPeriod], end: date, is_checked: bool = True
) -> PeriodAmount | None:
    """Return the quarter that ends on a day: as filed, or derived from a year to date.

    Derived by subtracting the previous year to date, or the previous quarters one by one.

    Args:
        series: The facts of the tags, preferred first.
        end: The last day.
        is_checked: Whether its parts have to be of one basis.
    """
    for spans in series:
        found = _quarters(spans, end)
        if is_checked:
            found = (each for each in found if is_one_basis(each.facts, [spans]))
        if (first := next(found, None)) is not None:
            return first
    return None


def _quarters(spans: FactsByPeriod, end: date) -> Iterator[PeriodAmount]:
    """Yield the quarter that ends on a day in each way that the facts of a tag allow."""
    for fact in _facts_of_length(spans, end, FISCAL_QUARTER_DAYS):
        yield _period_amount([fact], [], fact.start, end)
    for whole in _facts_of_length(spans, end, (FISCAL_QUARTER_DAYS[1] + 1, FISCAL_YEAR_DAYS[1])):
        for before in sorted(spans, reverse=True):
            length = (end - before).days
            if length > FISCAL_QUARTER_DAYS[1]:
                break
            part = _fact_starting_on(spans[before], whole.start)
            if length >= FISCAL_QUARTER_DAYS[0] and part is not None:
                part = _on_basis_of(whole, part, spans)
                yield _period_amount([whole], [part], before + DAY, end)
        last = _subtract_quarters(spans, whole)
        if last is not None:
            yield last


def _subtract_quarters(spans: FactsByPeriod, whole: Fact) -> PeriodAmount | None:
    """Subtract from a year to date all of its quarters but the last."""
    parts: list[Fact] = []
    start = whole.start
    while (whole.end - start).days >= FISCAL_QUARTER_DAYS[1]:
        part = _quarter_starting_on(spans, start)
        if part is None:
            return None
        parts.append(_on_basis_of(whole, part, spans))
        start = part.end + DAY
    is_quarter = (whole.end - start).days + 1 >= FISCAL_QUARTER_DAYS[0]
    return _period_amount([whole], parts, start, whole.end) if is_quarter else None


def _quarter_starting_on(spans: FactsByPeriod, start: date) -> Fact | None:
    quarters = (
        fact
        for each in spans.values()
        if (fact := each.get(start)) is not None
        and FISCAL_QUARTER_DAYS[0] <= (fact.end - start).days + 1 <= FISCAL_QUARTER_DAYS[1]
    )
    return next(quarters, None)


def _on_basis_of(whole: Fact, part: Fact, spans: FactsByPeriod) -> Fact:
    """Return a part with the amount on which its whole was filed, by the quarters after it."""
    if part.superseded is None:
        return part
    return on_basis_of(whole, part, _filed_rest_usd(spans, part.end, whole.end), spans)


def _filed_rest_usd(spans: FactsByPeriod, after: date, end: date) -> float | None:
    """Return the sum of the quarters filed from a day to another; None where one was not.

    An annual report may give its quarters the days of calendar quarters.
    """
    total_usd = 0.0
    while (end - after).days > MAX_QUARTER_DRIFT_DAYS:
        days = (after + (1 + shift) * DAY for shift in _nearest_first(MAX_QUARTER_DRIFT_DAYS))
        part = next((fact for day in days if (fact := _quarter_starting_on(spans, day))), None)
        if part is None:
            return None
        total_usd, after = total_usd + part.value, part.end
    return total_usd if (after - end).days <= MAX_QUARTER_DRIFT_DAYS else None


def _nearest_first(most: int) -> Iterator[int]:
    """Yield 0, -1, 1, -2, 2 and so on."""
    yield 0
    for days in range(1, most + 1):
        yield from (-days, days)


def trailing_twelve_months(
    series: Sequence[FactsByPeriod], end: date, is_checked: bool = True
) -> PeriodAmount | None:
    """Return the twelve months that end on a day.

    The fiscal year as filed; or the last fiscal year plus the year to date less the prior year to
    date; or four consecutive quarters. From the preferred tag alone, else the next, else both, and
    so on: a filer that changed tags within the year has parts under two tags.

    Args:
        series: The facts of the tags, preferred first.
        end: The last day.
        is_checked: Whether its parts have to be of one basis.
    """
    for count, spans in enumerate(series, start=1):
        found = _trailing([spans], end, is_checked)
        if found is None and count > 1:
            found = _trailing(series[:count], end, is_checked)
        if found is not None:
            return found
    return None


def _trailing(series: Sequence[FactsByPeriod], end: date, is_checked: bool) -> PeriodAmount | None:
    found: Iterator[PeriodAmount] = chain(
        _ttm_from_ytd(series, end), _four_quarters(series, end, is_checked)
    )
    if is_checked:
        found = (each for each in found if is_one_basis(each.facts, series))
    return fiscal_year(series, end) or next(found, None)


def _ttm_from_ytd(series: Sequence[FactsByPeriod], end: date) -> Iterator[PeriodAmount]:
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
            for shift in _nearest_first(CALENDAR_DRIFT_DAYS):
                before = _fact_starting_on(spans.get(expected + shift * DAY, {}), last.start)
                if before is not None:
                    start = before.end + DAY
                    part = _on_basis_of(last.facts[0], before, spans)
                    yield _period_amount([*last.facts, so_far], [part], start, end)


def _four_quarters(
    series: Sequence[FactsByPeriod], end: date, is_checked: bool
) -> Iterator[PeriodAmount]:
    parts: list[PeriodAmount] = []
    until = end
    for _ in range(4):
        part = quarter(series, until, is_checked)
        if part is None:
            return
        parts.append(part)
        until = part.start - DAY
    start = parts[-1].start
    if FISCAL_YEAR_DAYS[0] <= (end - start).days + 1 <= FISCAL_YEAR_DAYS[1]:
        facts = tuple(fact for part in parts for fact in part.facts)
        yield PeriodAmount(start, end, fsum(part.value for part in parts), facts)


def last_quarters(series: Sequence[FactsByPeriod], end: date, count: int) -> list[PeriodAmount]:
    """Return up to `count` consecutive quarters of one company, newest first."""
    found: list[PeriodAmount] = []
    until = end
    while len(found) < count:
        part = quarter(series, until)
        if part is None:
            break
        # a shell's quarters are not its acquirer's
        facts = [*part.facts, *(found[0].facts if found else ())]
        if not is_one_company(facts, series[0].company):
            break
        found.append(part)
        until = part.start - DAY
    return found


def latest_fiscal_year_end(
    series: Sequence[FactsByPeriod], year_ends: Collection[date]
) -> date | None:
    """Return the end of the newest fiscal year filed.

    Args:
        series: The concepts' facts.
        year_ends: Fiscal year ends (`PointInTimeFacts.year_ends`).
    """
    for end in sorted(year_ends, reverse=True):
        if any(_facts_of_length(spans, end, FISCAL_YEAR_DAYS) for spans in series):
            return end
    return None
