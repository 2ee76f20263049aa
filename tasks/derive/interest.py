"""Interest as a cost, EBIT beside it, and the years in which the one did not cover the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tasks.derive.fact_periods import (
    DAY,
    REPORT_STANDS,
    Flow,
    fiscal_year,
    newest_year_end,
    quarters_back,
    trailing_year,
)
from tasks.derive.facts import Knowledge, Spans

# As accrued; where no report tells it, as paid in cash. Never a sum of both.
INTEREST = ("interest_expense", "interest_paid")
ZOMBIE_YEARS = 3
MOST_YEARS = 15


@dataclass(frozen=True, slots=True)
class Traced:
    """A value and the filings that it is made of, in order."""

    value: float
    accessions: tuple[str, ...]


def interest_of(flow: Flow | None) -> Flow | None:
    """Interest as a cost: some filers put a minus before it.

    None where the signs of its parts differ, or the parts make less than nothing: nobody knows
    then which is the slip.
    """
    if flow is None:
        return None
    signs = {fact.value > 0 for fact in flow.facts if fact.value}
    value = -flow.value if signs == {False} else flow.value
    # + 0.0: a zero has no sign
    return None if len(signs) > 1 or value < 0 else replace(flow, value=value + 0.0)


def trailing_interest(known: Knowledge, end: date) -> Flow | None:
    """Interest over the twelve months that end on a day."""
    found = (interest_of(trailing_year(known.series(concept), end)) for concept in INTEREST)
    return next((flow for flow in found if flow is not None), None)


def year_interest(known: Knowledge, end: date) -> Flow | None:
    """Interest of the fiscal year that ends on a day."""
    found = (interest_of(fiscal_year(known.series(concept), end)) for concept in INTEREST)
    return next((flow for flow in found if flow is not None), None)


def quarterly_interest(known: Knowledge, end: date, count: int, least: int) -> list[Flow]:
    """Up to so many quarters of interest, the newest first; at least so many of one kind."""
    found: list[Flow] = []
    for concept in INTEREST:
        quarters = map(interest_of, quarters_back(known.series(concept), end, count))
        found = [flow for flow in quarters if flow is not None]
        if len(found) >= least:
            break
    return found


def pretax_income(
    known: Knowledge, end: date, over: Callable[[Sequence[Spans], date], Flow | None]
) -> Flow | None:
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


def year_ebit(known: Knowledge, end: date) -> Flow | None:
    """EBIT of a fiscal year: operating income, else pretax income plus interest."""
    direct = fiscal_year(known.series("operating_income"), end)
    if direct is not None:
        return direct
    pretax, interest = pretax_income(known, end, fiscal_year), year_interest(known, end)
    return None if pretax is None or interest is None else add_flows(pretax, interest)


def add_flows(one: Flow, other: Flow) -> Flow:
    """The sum of two amounts over the same period."""
    return Flow(one.start, one.end, one.value + other.value, (*one.facts, *other.facts))


def newest_year(known: Knowledge, concepts: tuple[str, ...], period_end: date) -> date | None:
    """The end of the newest fiscal year told of; None where newer reports have left it behind."""
    series = [spans for name in concepts for spans in known.series(name)]
    end = newest_year_end(series, known.year_ends)
    return None if end is None or end < period_end - REPORT_STANDS else end


def years_below_one(known: Knowledge, period_end: date) -> Traced | None:
    """How many fiscal years in a row, up to the newest, EBIT was below interest.

    None where the newest year's coverage is not known, or where the count meets a year whose
    coverage is not known before it reaches three. Traced to the years that were looked at.

    Args:
        known: The company's facts.
        period_end: Of its newest report.
    """
    end, count = newest_year(known, ("net_income", *INTEREST), period_end), 0
    filings = set[str]()
    while end is not None and count < MOST_YEARS:
        interest, ebit = year_interest(known, end), year_ebit(known, end)
        if interest is None or ebit is None:
            if count < ZOMBIE_YEARS:
                return None
            break
        filings.update(interest.accessions, ebit.accessions)
        # without interest nothing is uncovered
        if interest.value == 0 or ebit.value >= interest.value:
            break
        count, end = count + 1, interest.start - DAY
    return None if end is None else Traced(count, tuple(sorted(filings)))
