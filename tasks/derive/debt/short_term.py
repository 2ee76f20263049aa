"""Short-term borrowings in total debt that a maturity ladder does not hold."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

from tasks.derive.debt.components import short_term_borrowings, sum_values
from tasks.derive.debt.ladder_agreement import is_match
from tasks.derive.debt.ladder_windows import Buckets, add_months, due_within
from tasks.derive.debt.ladders import Ladder
from tasks.derive.debt.merged_ladders import merge_filings
from tasks.derive.debt.total_debt import Debt, total_debt
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import BALANCE_SHEET_CONCEPTS, Fact, PointInTimeFacts

SHORT_TERM_CONCEPTS = ("debt_short_term", "debt_commercial_paper", "debt_other_short_term")

# borrowings below this share of the current portion could be a difference of carrying amounts
MIN_SHARE = 0.05


@cache
def debt_tags() -> frozenset[str]:
    """Return the tags of debt and of the totals that limit it."""
    names = [name for name in concepts() if name.startswith("debt_")]
    return frozenset(
        tag for name in (*names, *BALANCE_SHEET_CONCEPTS, "equity") for tag in concepts()[name]
    )


def add_short_term(ladders: Sequence[Ladder], facts: Iterable[Fact]) -> list[Ladder]:
    """Add to each ladder the short-term borrowings of its day, as known when it was filed.

    Args:
        ladders: As `build_ladders` returns them, oldest filing first.
        facts: All of the company's facts.
    """
    tags = debt_tags()
    known = PointInTimeFacts(fact for fact in facts if fact.tag in tags)
    filings: dict[tuple[str, date], list[Buckets]] = {}
    found = []
    for ladder in ladders:
        known.advance_to(ladder.filing.known_from)
        end = ladder.period_end
        of_day = filings.setdefault((ladder.family, end), [])
        of_day.append(ladder.buckets)
        merged = merge_filings(of_day)
        amounts = {bucket: amount for bucket, (amount, _) in merged.items()}
        windows = {bucket: window for bucket, (_, window) in merged.items() if window is not None}
        first = due_within(amounts, windows, end, add_months(end, 12))
        total_usd = sum(amount for amount, _ in merged.values()) / 100
        amount = _short_term_usd(known, end, total_usd, None if first is None else first / 100)
        found.append(replace(ladder, short_term_usd=amount))
    return found


def _short_term_usd(
    known: PointInTimeFacts, day: date, ladder_usd: float, first_usd: float | None
) -> float:
    """Return the short-term debt that total debt counts and the ladder leaves out.

    Args:
        known: The facts of the company.
        day: The day of the ladder.
        ladder_usd: The sum of the ladder.
        first_usd: What it has due within twelve months.
    """
    debt = total_debt(known, day)
    counted = 0.0 if debt is None else _counted_usd(known, day, debt, first_usd)
    if debt is None or counted <= 0:
        return 0.0
    portion = known.instant("debt_long_term_current", day)
    if first_usd is not None and portion is not None and counted > MIN_SHARE * portion.value:
        # the first year is the current portion, or the portion and the borrowings
        holds = abs(first_usd - portion.value - counted) < abs(first_usd - portion.value)
    elif first_usd is not None and is_match(first_usd, counted):
        holds = True
    else:
        holds = abs(ladder_usd - debt.value) <= abs(ladder_usd + counted - debt.value)
    return 0.0 if holds else counted


def _counted_usd(known: PointInTimeFacts, day: date, debt: Debt, first_usd: float | None) -> float:
    """Return the short-term debt in total debt, beside the current portion of long-term debt."""
    tags = {tag for name in SHORT_TERM_CONCEPTS for tag in concepts()[name]}
    direct = [fact.value for fact in debt.facts if fact.tag in tags]
    if direct:
        return sum(direct)
    filed = sum_values(short_term_borrowings(known, day))
    current = [fact.value for fact in debt.facts if fact.tag in concepts()["debt_current"]]
    if not current:
        has_all = any(fact.tag in concepts()["debt_combined"] for fact in debt.facts)
        return filed if has_all and filed <= debt.value else 0.0
    portion = known.instant("debt_long_term_current", day)
    if portion is not None and portion.value <= current[0]:
        return current[0] - portion.value
    if filed or first_usd is None:
        return filed if filed <= current[0] else 0.0
    # all current debt is the first year of the ladder and borrowings without a line of their own
    return current[0] - first_usd
