"""Interest expense, EBIT, and the fiscal years in which EBIT did not cover interest."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from itertools import permutations

from tasks.derive.debt.components import TOLERANCE, is_close
from tasks.derive.xbrl.basis import is_one_company
from tasks.derive.xbrl.concepts import concepts, tags_of_kind
from tasks.derive.xbrl.facts import Fact, FactsByPeriod, PointInTimeFacts
from tasks.derive.xbrl.periods import (
    DAY,
    MAX_REPORT_AGE,
    PeriodAmount,
    fiscal_year,
    last_quarters,
    latest_fiscal_year_end,
    quarter,
    trailing_twelve_months,
)

# Accrued interest; where none is reported, interest paid in cash. Never the sum of both.
INTEREST_CONCEPTS = ("interest_expense", "interest_paid")
# an income statement line this many times the amount found: the latter is of one loan, in a note
STATEMENT_LINE_RATIO = 3
ZOMBIE_YEARS = 3
MAX_YEARS = 15


# returns a concept's amount over the period of one kind that ends on a day
PeriodSelector = Callable[[Sequence[FactsByPeriod], date], PeriodAmount | None]


@dataclass(frozen=True, slots=True)
class SourcedValue:
    """A value and the accession numbers of its filings, in order."""

    value: float
    accessions: tuple[str, ...]


def normalize_interest_sign(
    known: PointInTimeFacts, amount: PeriodAmount | None
) -> PeriodAmount | None:
    """Return interest as a positive cost: some filers always report it as negative.

    None where the signs of its parts differ or the sum is negative, as it is unknown which part is
    the error. Also None where the filer had reported positive amounts of the tag by then: a
    negative one may be net income from interest. Positive amounts in later reports only are a
    changed habit.
    """
    if amount is None:
        return None
    signs = {fact.value > 0 for fact in amount.facts if fact.value}
    if signs == {True} and amount.value > 0:
        return amount
    is_minus = signs == {False}
    if is_minus and any(known.has_above_zero(tag, _last_filed(amount)) for tag in amount.tags):
        return None
    value = -amount.value if is_minus else amount.value
    # + 0.0: a zero has no sign
    return None if len(signs) > 1 or value < 0 else replace(amount, value=value + 0.0)


def interest_series(known: PointInTimeFacts, concept: str) -> list[FactsByPeriod]:
    """Return the facts of each tag of a concept, then those of tags that were renamed as one.

    A filer that renames its tag within a year has no fourth quarter under either tag alone.
    """
    tags = [spans for tag in concepts()[concept] for spans in known.series_of_tag(tag)]
    pairs = permutations(tags, 2)
    return [*tags, *(_merge(*pair) for pair in pairs if _is_renamed(*pair))]


def _merge(older: FactsByPeriod, newer: FactsByPeriod) -> FactsByPeriod:
    """Return the facts of two tags as one, the newer tag's where both have a period."""
    merged = copy(older)
    merged.update({end: older.get(end, {}) | newer[end] for end in newer})
    restated = [*older.restated, *newer.restated]
    merged.restated = sorted(restated, key=lambda fact: (fact.filed, fact.accession))
    return merged


def _is_renamed(older: FactsByPeriod, newer: FactsByPeriod) -> bool:
    """Return whether a tag replaced another: in use later, with its amounts where both are filed.

    Without a period in common, its facts were all first filed after the other's.
    """
    before, after = (
        [fact for starts in spans.values() for fact in starts.values()] for spans in (older, newer)
    )
    if max(fact.first_filed for fact in after) <= max(fact.first_filed for fact in before):
        return False
    pairs = [
        (fact, newer[fact.end][fact.start])
        for fact in before
        if fact.start in newer.get(fact.end, {})
    ]
    if pairs:
        return all(is_close(one.value, other.value) for one, other in pairs)
    return min(fact.first_filed for fact in after) > max(fact.filed for fact in before)


def _reported_interest(
    known: PointInTimeFacts, concept: str, end: date, over: PeriodSelector
) -> PeriodAmount | None:
    """Return interest of one concept; a larger sum of parts or statement line replaces it.

    Args:
        known: The company's facts.
        concept: One of `INTEREST_CONCEPTS`.
        end: The last day of the period.
        over: The kind of period.
    """
    return _whole_interest(known, concept, over(known.series(concept), end), end, over)


def _whole_interest(
    known: PointInTimeFacts,
    concept: str,
    amount: PeriodAmount | None,
    end: date,
    over: PeriodSelector,
) -> PeriodAmount | None:
    """Return an amount of a concept, or a larger sum of parts or statement line in its place."""
    found = normalize_interest_sign(known, amount)
    if concept != "interest_expense":
        return found
    parts = (
        normalize_interest_sign(known, over(known.series_of_tag(tag), end))
        for tag in tags_of_kind(concept, "part")
    )
    halves = [amount for amount in parts if amount is not None]
    both = _combine_split_tags(halves)
    if both is not None and (found is None or both.value > found.value * (1 + TOLERANCE)):
        found = both
    for tag in tags_of_kind(concept, "statement_line"):
        line = normalize_interest_sign(known, over(known.series_of_tag(tag), end))
        if (
            line is not None
            and found is not None
            and line.value > STATEMENT_LINE_RATIO * found.value
        ):
            found = line
    return found


def _combine_split_tags(halves: list[PeriodAmount]) -> PeriodAmount | None:
    """Add the two parts, unless the newer one repeats the older under a new tag.

    It does where it is the same amount, or was first filed after the other was last filed: a filer
    that changes tags restates earlier years under the new one.
    """
    if len(halves) != 2:
        return next(iter(halves), None)
    best, other = halves
    older, newer = (best, other) if _last_filed(best) < _last_filed(other) else (other, best)
    is_renamed = min(fact.first_filed for fact in newer.facts) > _last_filed(older)
    return newer if is_renamed or is_close(newer.value, older.value) else add_amounts(older, newer)


def _last_filed(amount: PeriodAmount) -> date:
    return max(fact.filed for fact in amount.facts)


def _interest(known: PointInTimeFacts, end: date, over: PeriodSelector) -> PeriodAmount | None:
    found = (_reported_interest(known, concept, end, over) for concept in INTEREST_CONCEPTS)
    return next((amount for amount in found if amount is not None), None)


def trailing_interest(known: PointInTimeFacts, end: date) -> PeriodAmount | None:
    """Return interest over the twelve months that end on a day."""
    return _interest(known, end, trailing_twelve_months)


def annual_interest(known: PointInTimeFacts, end: date) -> PeriodAmount | None:
    """Return interest of the fiscal year that ends on a day."""
    return _interest(known, end, fiscal_year)


def quarterly_interest(
    known: PointInTimeFacts, end: date, count: int, min_count: int
) -> list[PeriodAmount]:
    """Return up to `count` quarters of interest of one concept, newest first.

    Interest paid in cash is used where fewer than `min_count` quarters of the expense are known.
    """
    found: list[PeriodAmount] = []
    for concept in INTEREST_CONCEPTS:
        series = interest_series(known, concept)
        quarters = last_quarters(series, end, count)
        reported = (_whole_interest(known, concept, each, each.end, quarter) for each in quarters)
        found = [amount for amount in reported if amount is not None]
        if len(found) >= min_count:
            break
    return found


def pretax_income(known: PointInTimeFacts, end: date, over: PeriodSelector) -> PeriodAmount | None:
    """Return income before taxes, as filed or as net income plus income tax.

    Args:
        known: The company's facts.
        end: The last day of the period.
        over: `fiscal_year` or `trailing_twelve_months`.
    """
    direct = over(known.series("pretax_income"), end)
    if direct is not None:
        return direct
    income = over(known.series("net_income"), end)
    tax = over(known.series("income_tax"), end)
    return None if income is None or tax is None else add_amounts(income, tax)


def annual_ebit(known: PointInTimeFacts, end: date) -> PeriodAmount | None:
    """Return EBIT of a fiscal year: operating income, else pretax income plus interest."""
    direct = fiscal_year(known.series("operating_income"), end)
    if direct is not None:
        return direct
    pretax, interest = pretax_income(known, end, fiscal_year), annual_interest(known, end)
    return None if pretax is None or interest is None else add_amounts(pretax, interest)


def add_amounts(one: PeriodAmount, other: PeriodAmount) -> PeriodAmount:
    """Add two amounts over the same period."""
    return PeriodAmount(one.start, one.end, one.value + other.value, (*one.facts, *other.facts))


def latest_fiscal_year(
    known: PointInTimeFacts, concepts: tuple[str, ...], period_end: date
) -> date | None:
    """Return the end of the newest fiscal year reported; None where it is out of date."""
    series = [spans for name in concepts for spans in known.series(name)]
    end = latest_fiscal_year_end(series, known.year_ends)
    return None if end is None or end < period_end - MAX_REPORT_AGE else end


def years_below_one(known: PointInTimeFacts, period_end: date) -> SourcedValue | None:
    """Count the consecutive fiscal years, up to the newest, with EBIT below interest.

    None where a year's coverage is unknown, or of a company before a merger, before the count
    reaches three. The sources are the filings of the years that were examined.

    Args:
        known: The company's facts.
        period_end: The period end of its newest report.
    """
    end, count = latest_fiscal_year(known, ("net_income", *INTEREST_CONCEPTS), period_end), 0
    filings, facts = set[str](), list[Fact]()
    while end is not None and count < MAX_YEARS:
        interest, ebit = annual_interest(known, end), annual_ebit(known, end)
        facts += [] if ebit is None else ebit.facts
        if interest is None or ebit is None or not is_one_company(facts, known.company):
            if count < ZOMBIE_YEARS:
                return None
            break
        filings.update(interest.accessions, ebit.accessions)
        # without interest there is nothing to cover
        if interest.value == 0 or ebit.value >= interest.value:
            break
        count, end = count + 1, interest.start - DAY
    return None if end is None else SourcedValue(count, tuple(sorted(filings)))
