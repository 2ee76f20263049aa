"""Short-term borrowings in total debt that a maturity ladder does not hold."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from tasks.derive.debt.components import short_term_borrowings, sum_values
from tasks.derive.debt.debt import Debt
from tasks.derive.debt.ladder_agreement import is_match
from tasks.derive.debt.ladder_layout import is_partial_ladder
from tasks.derive.debt.ladder_windows import Buckets, add_months, due_within
from tasks.derive.debt.ladders import Ladder
from tasks.derive.debt.merged_ladders import merge_filings
from tasks.derive.debt.total_debt import total_debt
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import Fact, PointInTimeFacts

SHORT_TERM_CONCEPTS = ("debt_short_term", "debt_commercial_paper", "debt_other_short_term")

# borrowings below this share of the current portion could be a difference of carrying amounts
MIN_SHARE = 0.05
# layouts whose first year is the next twelve months
WHOLE_FIRST_YEAR = ("annual", "rolling")


def add_short_term(ladders: Iterable[Ladder], facts: Iterable[Fact]) -> list[Ladder]:
    """Add to each ladder the short-term borrowings of its day, as known when it was filed.

    Args:
        ladders: As `build_ladders` returns them, oldest filing first.
        facts: All of the company's facts.
    """
    short_term = ShortTermDebt(PointInTimeFacts(facts))
    return [short_term.add_to(ladder) for ladder in ladders]


class ShortTermDebt:
    """Short-term borrowings beside the ladders of a company, ladder by ladder."""

    def __init__(self, known: PointInTimeFacts) -> None:
        """Take the company's facts; each ladder advances them to the day of its filing."""
        self._known = known
        self._filings: dict[tuple[str, date], list[Buckets]] = {}

    def add_to(self, ladder: Ladder) -> Ladder:
        """Add the borrowings to the next ladder, in the order of filing."""
        self._known.advance_to(ladder.filing.known_from)
        of_day = self._filings.setdefault((ladder.family, ladder.period_end), [])
        of_day.append(ladder.buckets)
        amount = _short_term_usd(self._known, ladder, merge_filings(of_day))
        return replace(ladder, short_term_usd=amount)


def _short_term_usd(known: PointInTimeFacts, ladder: Ladder, buckets: Buckets) -> float:
    """Return the short-term debt that total debt counts and the ladder leaves out."""
    day = ladder.period_end
    debt = total_debt(known, day)
    if debt is None:
        return 0.0
    total = sum(amount for amount, _ in buckets.values()) / 100
    first = _first_year_usd(ladder, buckets)
    counted = _counted_usd(known, day, debt)
    if not counted:
        has_first = first is not None and ladder.layout in WHOLE_FIRST_YEAR
        return _unnamed_usd(debt, total, first or 0.0) if has_first else 0.0
    portion = known.instant("debt_long_term_current", day)
    if first is not None and portion is not None and counted > MIN_SHARE * portion.value:
        # the first year is the current portion, or the portion and the borrowings
        holds = abs(first - portion.value - counted) < abs(first - portion.value)
    elif first is not None and (first < counted or is_match(first, counted)):
        # a first year below the borrowings does not hold them
        holds = is_match(first, counted)
    else:
        holds = abs(total - debt.value) <= abs(total + counted - debt.value)
    return 0.0 if holds else counted


def _first_year_usd(ladder: Ladder, buckets: Buckets) -> float | None:
    """Return what a ladder has due within twelve months.

    Of fiscal years that is an estimate, used only where the ladder has no total to compare.
    """
    if ladder.layout not in WHOLE_FIRST_YEAR and not is_partial_ladder(ladder.layout, buckets):
        return None
    amounts = {bucket: amount for bucket, (amount, _) in buckets.items()}
    windows = {bucket: window for bucket, (_, window) in buckets.items() if window is not None}
    end = ladder.period_end
    first = due_within(amounts, windows, end, add_months(end, 12))
    return None if first is None else first / 100


def _counted_usd(known: PointInTimeFacts, day: date, debt: Debt) -> float:
    """Return the short-term debt in total debt, beside the current portion of long-term debt."""
    tags = {tag for name in SHORT_TERM_CONCEPTS for tag in concepts()[name]}
    direct = [fact.value for fact in debt.facts if fact.tag in tags]
    if direct:
        return sum(direct)
    filed = sum_values(short_term_borrowings(known, day))
    current = _all_current(debt)
    if current is None:
        has_all = any(fact.tag in concepts()["debt_combined"] for fact in debt.facts)
        return filed if has_all and filed <= debt.value else 0.0
    portion = known.instant("debt_long_term_current", day)
    if portion is not None and portion.value <= current:
        return current - portion.value
    return filed if filed <= current else 0.0


def _unnamed_usd(debt: Debt, total: float, first: float) -> float:
    """Return all current debt above a ladder's first year, if just that is left out of the ladder.

    For borrowings that have no line of their own.
    """
    more = (_all_current(debt) or 0.0) - first
    is_left_out = more > MIN_SHARE * first and is_match(total + more, debt.value)
    return more if is_left_out and not is_match(total, debt.value) else 0.0


def _all_current(debt: Debt) -> float | None:
    """Return the line of all current debt in a total."""
    found = (fact.value for fact in debt.facts if fact.tag in concepts()["debt_current"])
    return next(found, None)
