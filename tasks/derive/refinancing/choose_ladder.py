"""The maturity ladder that counts for a company on a day, and its columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tasks.derive.debt.components import CARRYING_TOLERANCE, is_close
from tasks.derive.debt.ladder_windows import SHORT_TERM
from tasks.derive.debt.merged_ladders import LadderAsOf, complete_years
from tasks.derive.debt.total_debt import total_debt
from tasks.derive.xbrl.facts import PointInTimeFacts
from tasks.derive.xbrl.periods import MAX_REPORT_AGE

# carrying amounts are below principal by discounts and costs, and leases may be in one of the two
MAX_LADDER_GAP_PCT = 30
MAX_DEBT_GROWTH_PCT = 900
# an annual report this much later, without a ladder, supersedes the ladder
NEXT_ANNUAL_REPORT = timedelta(days=300)
UNIT_ERRORS = (1e3, 1e6)
NEAR_MONTHS = 36
LADDER_COLUMNS = (
    "ladder_period_end",
    "ladder_family",
    "ladder_accession_number",
    "near_ladder_period_end",
    "near_ladder_family",
    "ladder_total_usd",
    "is_ladder_partial",
    "is_ladder_stale",
    "is_ladder_implausible",
    "ladder_gap_pct",
    "due_12m_usd",
    "due_36m_usd",
)


@dataclass(frozen=True, slots=True)
class ChosenLadders:
    """The ladders that count for a company on a day.

    Attributes:
        whole: The one that explains the debt of its day.
        near: The one for the years that it has, and for what is due soon: `whole` or a newer one.
    """

    whole: LadderAsOf
    near: LadderAsOf


def choose_ladders(
    known: PointInTimeFacts, ladders: Iterable[LadderAsOf], day: date
) -> ChosenLadders | None:
    """Return the ladders that count on a day; None where none is known.

    Args:
        known: The facts known by the day.
        ladders: Those known by the day, newest first.
        day: The day.
    """
    current, newest = [], None
    for ladder in ladders:
        newest = newest or ladder
        if _is_stale(known, ladder.ladder.period_end, day):
            break
        if not _has_negative(ladder):
            current.append(ladder)
    if newest is None:
        return None
    whole = _choose_whole(known, current) or newest
    return ChosenLadders(whole, _choose_near(known, current, whole))


def _choose_whole(known: PointInTimeFacts, ladders: Sequence[LadderAsOf]) -> LadderAsOf | None:
    """Return the newest ladder that matches the debt of its day, else the newest below it.

    Quarterly ladders often end with the fourth year: the annual one before is then more complete.
    A bucket on its own, without the others, is no ladder, unless there is no other one.
    """
    single = [ladder for ladder in ladders if len(ladder.amounts.keys() - {SHORT_TERM}) == 1]
    for group in ([each for each in ladders if each not in single], single):
        lower = None
        for ladder in group:
            gap = _gap_pct(known, ladder)
            if (
                gap is None
                or abs(gap) <= MAX_LADDER_GAP_PCT
                or _is_of_long_term_debt(known, ladder)
            ):
                return ladder
            if gap < 0 and not _is_unit_error(gap):
                lower = lower or ladder
        if lower is not None:
            return lower
    return None


def _is_of_long_term_debt(known: PointInTimeFacts, ladder: LadderAsOf) -> bool:
    """Return whether a ladder is all of the long-term debt that the filer states for its day.

    Notes beside it have no ladder: an older ladder from before their issue says nothing of them.
    """
    long_term = known.instant("debt_long_term", ladder.ladder.period_end)
    years = sum(amount for bucket, amount in ladder.amounts.items() if bucket != SHORT_TERM)
    return long_term is not None and is_close(years / 100, long_term.value)


def _choose_near(
    known: PointInTimeFacts, ladders: Sequence[LadderAsOf], whole: LadderAsOf
) -> LadderAsOf:
    """Return the newest ladder whose near years are whole, if it explains its debt.

    After its last year the other ladder's amounts count.
    """
    for ladder in ladders:
        if ladder.ladder.period_end <= whole.ladder.period_end:
            break
        if ladder.due_within(NEAR_MONTHS) is None:
            continue
        amounts = complete_years(ladder.buckets, whole.buckets)
        gap = _gap_on_own_day(known, ladder, sum(amount for amount, _ in amounts) / 100)
        if gap is not None and abs(gap) <= MAX_LADDER_GAP_PCT:
            return ladder
    return whole


def ladder_metrics(
    known: PointInTimeFacts, chosen: ChosenLadders | None, day: date
) -> dict[str, Any]:
    """Return the columns on a company's ladders, all None without one."""
    if chosen is None:
        return dict.fromkeys(LADDER_COLUMNS)
    whole, near = chosen.whole, chosen.near
    end, gap = whole.ladder.period_end, _gap_pct(known, whole)
    is_stale = _is_stale(known, end, day) or _is_repaid(known, whole)
    is_implausible = _has_negative(whole) or (
        gap is not None and (gap > MAX_LADDER_GAP_PCT or _is_unit_error(gap))
    )
    due = {
        months: near.due_within(months)
        for months in (12, NEAR_MONTHS)
        if not is_stale and not is_implausible
    }
    most_usd = _most_owed_usd(known)
    due_usd = {
        months: amount / 100
        for months, amount in due.items()
        if amount is not None and (most_usd is None or amount / 100 <= most_usd)
    }
    return {
        "ladder_period_end": end,
        "ladder_family": whole.ladder.family,
        "ladder_accession_number": whole.accession,
        "near_ladder_period_end": near.ladder.period_end,
        "near_ladder_family": near.ladder.family,
        "ladder_total_usd": whole.total_usd,
        "is_ladder_partial": whole.ladder.is_partial,
        "is_ladder_stale": is_stale,
        "is_ladder_implausible": is_implausible,
        "ladder_gap_pct": _gap_on_own_day(known, whole, whole.total_usd),
        "due_12m_usd": due_usd.get(12),
        "due_36m_usd": due_usd.get(NEAR_MONTHS),
    }


def _most_owed_usd(known: PointInTimeFacts) -> float | None:
    """Return the most principal that can be due: the newest total debt and its usual discount.

    What a ladder has due above it has been repaid since.
    """
    newest = known.latest_period_end()
    debt = None if newest is None else total_debt(known, newest)
    if debt is None or debt.is_lower_bound:
        return None
    return debt.value * (1 + CARRYING_TOLERANCE)


def _gap_pct(known: PointInTimeFacts, ladder: LadderAsOf) -> float | None:
    """Gap against debt on the ladder's own date; if unknown, against the last annual report's.

    Debt may have grown since that report, though hardly tenfold.
    """
    total_usd, report = ladder.total_usd, known.annual_report
    gap = _gap_on_own_day(known, ladder, total_usd)
    if gap is not None or report is None or report.end < ladder.ladder.period_end - MAX_REPORT_AGE:
        return gap
    gap = _gap_to(known, report.accession, report.end, total_usd)
    return None if gap is not None and MAX_LADDER_GAP_PCT < gap <= MAX_DEBT_GROWTH_PCT else gap


def _gap_on_own_day(known: PointInTimeFacts, ladder: LadderAsOf, total_usd: float) -> float | None:
    """Percent by which an amount is above total debt of a ladder's period end."""
    return _gap_to(known, ladder.accession, ladder.ladder.period_end, total_usd)


def _gap_to(known: PointInTimeFacts, accession: str, end: date, total_usd: float) -> float | None:
    """Percent above total debt by all filings or by one of them alone, whichever is larger.

    A later report may state a part of the debt under the same tag, an amendment only a part.
    """
    found = (total_debt(known, end), total_debt(known.facts_of_filing(accession), end))
    debts = [debt for debt in found if debt is not None and debt.value > 0]
    if not debts:
        return None
    owed = max(debts, key=lambda debt: debt.value)
    gap = 100 * (total_usd / owed.value - 1)
    # debt is only a lower bound here, so a larger ladder total is not an error
    return None if owed.is_lower_bound and gap > 0 else gap


def _is_repaid(known: PointInTimeFacts, ladder: LadderAsOf) -> bool:
    """Return whether debt has fallen below a ladder's total since its day.

    By the newest comparative of that day: a later report may state less of the same debt.
    """
    newest, day = known.latest_period_end(), ladder.ladder.period_end
    if newest is None or newest <= day:
        return False
    debt, before = total_debt(known, newest), total_debt(known, day)
    if debt is None or debt.is_lower_bound:
        return False
    most = debt.value * (1 + MAX_LADDER_GAP_PCT / 100)
    return ladder.total_usd > most and (before is None or before.value > most)


def _is_stale(known: PointInTimeFacts, end: date, day: date) -> bool:
    """Return whether a ladder is too old, or a later annual report has none."""
    report = known.annual_report
    is_superseded = report is not None and report.end > end + NEXT_ANNUAL_REPORT
    return is_superseded or end < day - MAX_REPORT_AGE


def _is_unit_error(gap: float) -> bool:
    """Return whether a ladder is about a thousandth or a millionth of the debt."""
    share = 1 + gap / 100
    return any(abs(share * units - 1) <= MAX_LADDER_GAP_PCT / 100 for units in UNIT_ERRORS)


def _has_negative(ladder: LadderAsOf) -> bool:
    """Return whether an amount is below 0, which is a filing error."""
    return any(amount < 0 for amount in ladder.amounts.values())
