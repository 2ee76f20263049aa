"""Interest as a cost, EBIT beside it, and the years in which the one did not cover the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tasks.derive.debt.components import TOLERANCE, is_close
from tasks.derive.xbrl.concepts import tags_of_kind
from tasks.derive.xbrl.facts import FactsByPeriod, PointInTimeFacts
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

# As accrued; where no report tells it, as paid in cash. Never a sum of both.
INTEREST_CONCEPTS = ("interest_expense", "interest_paid")
# a line of the income statement this many times the amount found: that is one loan's, of a note
STATEMENT_LINE_RATIO = 3
ZOMBIE_YEARS = 3
MAX_YEARS = 15


# a kind of period: what a concept's facts say of the one that ends on a day
PeriodSelector = Callable[[Sequence[FactsByPeriod], date], PeriodAmount | None]


@dataclass(frozen=True, slots=True)
class SourcedValue:
    """A value and the filings that it is made of, in order."""

    value: float
    accessions: tuple[str, ...]


def normalize_interest_sign(
    known: PointInTimeFacts, flow: PeriodAmount | None
) -> PeriodAmount | None:
    """Interest as a cost: some filers put a minus before it, always.

    None where the signs of its parts differ, or the parts make less than nothing: nobody knows
    then which is the slip. So where a minus stands before amounts of a filer who writes others
    without, or did before: it earned more than it paid, perhaps. What it writes in later reports
    alone is another habit.
    """
    if flow is None:
        return None
    signs = {fact.value > 0 for fact in flow.facts if fact.value}
    is_minus = signs == {False}
    if is_minus and any(known.has_above_zero(tag, _last_filed(flow)) for tag in flow.tags):
        return None
    value = -flow.value if is_minus else flow.value
    # + 0.0: a zero has no sign
    return None if len(signs) > 1 or value < 0 else replace(flow, value=value + 0.0)


def _reported_interest(
    known: PointInTimeFacts, concept: str, end: date, over: PeriodSelector
) -> PeriodAmount | None:
    """Interest of one kind; where others that it holds are more, it is but a part itself."""
    found = normalize_interest_sign(known, over(known.series(concept), end))
    if concept != "interest_expense":
        return found
    parts = (
        normalize_interest_sign(known, over(known.series_of_tag(tag), end))
        for tag in tags_of_kind(concept, "part")
    )
    halves = [flow for flow in parts if flow is not None]
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
    """The halves together, unless the newer is the older once more.

    It is where it is as much, or was never told until after the other was told last: a filer that
    took another tag states years again under it.
    """
    if len(halves) != 2:
        return next(iter(halves), None)
    best, other = halves
    older, newer = (best, other) if _last_filed(best) < _last_filed(other) else (other, best)
    is_renamed = min(fact.first_filed for fact in newer.facts) > _last_filed(older)
    return newer if is_renamed or is_close(newer.value, older.value) else add_flows(older, newer)


def _last_filed(flow: PeriodAmount) -> date:
    return max(fact.filed for fact in flow.facts)


def _interest(known: PointInTimeFacts, end: date, over: PeriodSelector) -> PeriodAmount | None:
    found = (_reported_interest(known, concept, end, over) for concept in INTEREST_CONCEPTS)
    return next((flow for flow in found if flow is not None), None)


def trailing_interest(known: PointInTimeFacts, end: date) -> PeriodAmount | None:
    """Interest over the twelve months that end on a day."""
    return _interest(known, end, trailing_twelve_months)


def annual_interest(known: PointInTimeFacts, end: date) -> PeriodAmount | None:
    """Interest of the fiscal year that ends on a day."""
    return _interest(known, end, fiscal_year)


def quarterly_interest(
    known: PointInTimeFacts, end: date, count: int, min_count: int
) -> list[PeriodAmount]:
    """Up to so many quarters of interest, the newest first; at least so many of one kind."""
    found: list[PeriodAmount] = []
    for concept in INTEREST_CONCEPTS:
        quarters = last_quarters(known.series(concept), end, count)
        told = (_reported_interest(known, concept, each.end, quarter) for each in quarters)
        found = [flow for flow in told if flow is not None]
        if len(found) >= min_count:
            break
    return found


def pretax_income(known: PointInTimeFacts, end: date, over: PeriodSelector) -> PeriodAmount | None:
    """Income before taxes; from net income and taxes where it is not filed.

    Args:
        known: The company's facts.
        end: The last day of the period.
        over: The kind of period: `fiscal_year` or `trailing_year`.
    """
    direct = over(known.series("pretax_income"), end)
    if direct is not None:
        return direct
    income = over(known.series("net_income"), end)
    tax = over(known.series("income_tax"), end)
    return None if income is None or tax is None else add_flows(income, tax)


def annual_ebit(known: PointInTimeFacts, end: date) -> PeriodAmount | None:
    """EBIT of a fiscal year: operating income, else pretax income plus interest."""
    direct = fiscal_year(known.series("operating_income"), end)
    if direct is not None:
        return direct
    pretax, interest = pretax_income(known, end, fiscal_year), annual_interest(known, end)
    return None if pretax is None or interest is None else add_flows(pretax, interest)


def add_flows(one: PeriodAmount, other: PeriodAmount) -> PeriodAmount:
    """The sum of two amounts over the same period."""
    return PeriodAmount(one.start, one.end, one.value + other.value, (*one.facts, *other.facts))


def latest_fiscal_year(
    known: PointInTimeFacts, concepts: tuple[str, ...], period_end: date
) -> date | None:
    """The end of the newest fiscal year told of; None where newer reports have left it behind."""
    series = [spans for name in concepts for spans in known.series(name)]
    end = latest_fiscal_year_end(series, known.year_ends)
    return None if end is None or end < period_end - MAX_REPORT_AGE else end


def years_below_one(known: PointInTimeFacts, period_end: date) -> SourcedValue | None:
    """How many fiscal years in a row, up to the newest, EBIT was below interest.

    None where the newest year's coverage is not known, or where the count meets a year whose
    coverage is not known before it reaches three. Traced to the years that were looked at.

    Args:
        known: The company's facts.
        period_end: Of its newest report.
    """
    end, count = latest_fiscal_year(known, ("net_income", *INTEREST_CONCEPTS), period_end), 0
    filings = set[str]()
    while end is not None and count < MAX_YEARS:
        interest, ebit = annual_interest(known, end), annual_ebit(known, end)
        if interest is None or ebit is None:
            if count < ZOMBIE_YEARS:
                return None
            break
        filings.update(interest.accessions, ebit.accessions)
        # without interest nothing is uncovered
        if interest.value == 0 or ebit.value >= interest.value:
            break
        count, end = count + 1, interest.start - DAY
    return None if end is None else SourcedValue(count, tuple(sorted(filings)))
