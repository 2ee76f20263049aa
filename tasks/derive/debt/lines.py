"""The debt lines of one balance-sheet day, without those that are inconsistent with each other.

`LongTermDebt` includes the current portion by definition, but some filers exclude it, and
`ShortTermBorrowings` is the current portion at some filers and other borrowings at others. Where
several tags are filed, the arithmetic between them shows the meaning.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from tasks.derive.debt.components import (
    INSTRUMENTS,
    INSTRUMENTS_NONCURRENT,
    current_notes,
    is_close,
    is_same_carrying,
    largest_component,
    short_term_borrowings,
    sum_values,
)
from tasks.derive.debt.long_term_total import (
    Reading,
    ladder_first_year,
    ladder_total,
    read_long_term_total,
)
from tasks.derive.xbrl.concepts import lease_tags, limit_tags
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts

# discounts: the principal of convertible notes exceeds their carrying amount by up to a third
ADDITIVE_RATIO = 1.5


@dataclass(frozen=True)
class DebtLines:
    """The debt reported for a day; a line that is not filed, or is excluded, is None.

    Attributes:
        known: The facts of the company.
        day: The balance-sheet day.
        total: Long-term debt including its current portion.
        noncurrent: Long-term debt, noncurrent.
        portion: The current portion of long-term debt.
        current: All current debt.
        combined: All debt, long-term and short-term.
        excluded: Lines that are inconsistent with the others.
        exclude_limits: Without instruments that may be a limit rather than the amount drawn.
        long_term: What the total includes, where a current line and no noncurrent line is filed.
    """

    known: PointInTimeFacts
    day: date
    total: Fact | None = None
    noncurrent: Fact | None = None
    portion: Fact | None = None
    current: Fact | None = None
    combined: Fact | None = None
    excluded: tuple[Fact, ...] = ()
    exclude_limits: bool = False
    long_term: Reading = Reading.TOTAL

    @cached_property
    def borrowings(self) -> list[Fact]:
        """Short-term borrowings other than the current portion."""
        return short_term_borrowings(self.known, self.day)

    @cached_property
    def instruments(self) -> list[Fact]:
        """The largest instrument, or pair of disjoint ones, current and noncurrent together."""
        return largest_component(
            self.known, INSTRUMENTS, self.day, exclude_limits=self.exclude_limits
        )

    @cached_property
    def instruments_noncurrent(self) -> list[Fact]:
        """The largest noncurrent instrument, or pair of disjoint ones."""
        return largest_component(self.known, INSTRUMENTS_NONCURRENT, self.day)

    @cached_property
    def instruments_current(self) -> list[Fact]:
        """The largest current instrument, or pair of disjoint ones."""
        return current_notes(self.known, self.day)

    def positive_instruments(self) -> list[Fact]:
        """Return every instrument above zero, whole and noncurrent."""
        return [
            fact
            for concept in (INSTRUMENTS, INSTRUMENTS_NONCURRENT)
            for fact in self.known.instants(concept, self.day)
            if fact.value > 0 and not (self.exclude_limits and fact.tag in limit_tags())
        ]

    @cached_property
    def liabilities_usd(self) -> float | None:
        """Total liabilities, else assets less equity: the most that debt can be."""
        liabilities = self.known.instant("liabilities", self.day)
        if liabilities is not None:
            return liabilities.value
        assets, equity = self.known.instant("assets", self.day), self._equity()
        return None if assets is None or equity is None else assets.value - equity.value

    def _equity(self) -> Fact | None:
        """Return equity with minority interests where it is filed."""
        return next(reversed(self.known.instants("equity", self.day)), None)

    def exceeds_liabilities(self, value: float) -> bool:
        """Return whether an amount is above total liabilities, so that it is no debt."""
        return self.liabilities_usd is not None and value > self.liabilities_usd


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A part above the line that includes it.

    Attributes:
        part: A line of `DebtLines`.
        whole: A line that includes it.
        excluded: The one of the two that is excluded.
        when: A further condition.
    """

    part: str
    whole: str
    excluded: str
    when: Callable[[DebtLines], bool] = lambda lines: True


def is_above(part: Fact | None, whole: Fact | None) -> bool:
    """Return whether both are filed and the part is above the whole by more than rounding."""
    if part is None or whole is None:
        return False
    return part.value > whole.value and not is_close(part.value, whole.value)


def _total_includes_portion(lines: DebtLines) -> bool:
    """A total that does not exceed noncurrent debt excludes the current portion."""
    return lines.noncurrent is None or is_above(lines.total, lines.noncurrent)


def _portion_exceeds_liabilities(lines: DebtLines) -> bool:
    return lines.exceeds_liabilities(sum_values(filed(lines.noncurrent, lines.portion)))


# In this order; a line that is excluded contradicts no other.
CONTRADICTIONS = (
    Contradiction("total", "combined", excluded="combined"),
    Contradiction("noncurrent", "combined", excluded="combined"),
    Contradiction("portion", "total", excluded="portion", when=_total_includes_portion),
    Contradiction("portion", "combined", excluded="portion"),
    Contradiction("portion", "current", excluded="portion", when=_portion_exceeds_liabilities),
    Contradiction("portion", "current", excluded="current"),
    Contradiction("current", "combined", excluded="current"),
)


def read_lines(known: PointInTimeFacts, day: date) -> DebtLines:
    """Read the debt lines of a day and exclude those that are inconsistent with the others."""
    noncurrent, portion = _matching_lines(known, day)
    lines = DebtLines(
        known,
        day,
        total=_preferred_fact(known.instants("debt_long_term", day)),
        noncurrent=noncurrent,
        portion=portion,
        current=known.instant("debt_current", day),
        combined=known.instant("debt_combined", day),
    )
    lines = _exclude_current_in_schedule(_reinterpret_total(lines))
    for each in CONTRADICTIONS:
        part, whole = getattr(lines, each.part), getattr(lines, each.whole)
        if is_above(part, whole) and each.when(lines):
            removed = part if each.excluded == each.part else whole
            cleared: dict[str, Any] = {each.excluded: None}
            lines = replace(lines, excluded=(*lines.excluded, removed), **cleared)
    return lines


def filed(*lines: Fact | None) -> list[Fact]:
    """Return the lines that are filed."""
    return [fact for fact in lines if fact is not None]


def _exclude_current_in_schedule(lines: DebtLines) -> DebtLines:
    """Exclude other current debt that is part of noncurrent debt, as it will be refinanced.

    The schedule of long-term debt says so: its total is the debt without it, and its first year is
    the current portion and the other current debt together (Clearway, 2023).
    """
    total, noncurrent, portion, current = (
        lines.total,
        lines.noncurrent,
        lines.portion,
        lines.current,
    )
    if total is None or noncurrent is None or portion is None or not is_above(current, portion):
        return lines
    schedule = ladder_total(lines.known, lines.day) or 0.0
    first = ladder_first_year(lines.known, lines.day) or 0.0
    if not is_close(schedule, total.value) or not is_close(
        first, sum_values(filed(portion, current))
    ):
        return lines
    if not is_same_carrying(total.value, noncurrent.value + portion.value):
        return lines
    return replace(lines, current=None, excluded=(*lines.excluded, *filed(lines.current)))


def _reinterpret_total(lines: DebtLines) -> DebtLines:
    """Take a total for noncurrent debt where it is below a current line, or earlier days say so.

    Not where the sum exceeds liabilities.
    """
    soon = lines.portion or lines.current
    if lines.noncurrent is not None or lines.combined is not None:
        return lines
    if lines.total is None or soon is None:
        return lines
    if lines.exceeds_liabilities(sum_values(filed(lines.total, soon))):
        return lines
    reading = read_long_term_total(lines.known, lines.day)
    if is_above(soon, lines.total) or reading is Reading.NONCURRENT:
        return replace(lines, total=None, noncurrent=lines.total)
    return replace(lines, long_term=reading)


def _matching_lines(known: PointInTimeFacts, day: date) -> tuple[Fact | None, Fact | None]:
    """Return noncurrent debt and the current portion, preferring both with or without leases."""
    lines = known.instants("debt_noncurrent", day)
    portions = known.instants("debt_long_term_current", day)
    line = _preferred_fact(lines)
    if line is None:
        return None, next(iter(portions), None)
    pairs = (
        (each, portion)
        for each in sorted(lines, key=lambda fact: fact is not line)
        for portion in portions
        if (each.tag in lease_tags()) == (portion.tag in lease_tags())
        and each.value * ADDITIVE_RATIO >= line.value
    )
    return next(pairs, (line, next(iter(portions), None)))


def _preferred_fact(facts: list[Fact]) -> Fact | None:
    """Return the preferred tag's fact, unless another is so much larger that it is only a part."""
    if not facts:
        return None
    largest = max(facts, key=lambda fact: fact.value)
    return largest if largest.value > ADDITIVE_RATIO * facts[0].value > 0 else facts[0]
