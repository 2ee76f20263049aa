"""The maturity ladder that counts for a company on a day, and its columns."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from tasks.derive.debt.ladder_windows import add_months, due_within
from tasks.derive.debt.ladders import LadderAsOf
from tasks.derive.debt.total_debt import total_debt
from tasks.derive.xbrl.facts import PointInTimeFacts
from tasks.derive.xbrl.periods import MAX_REPORT_AGE

# carrying amounts are below principal by discounts and costs, and leases may be in one of the two
MAX_LADDER_GAP_PCT = 30
MAX_DEBT_GROWTH_PCT = 900
# an annual report this much later, without a ladder, supersedes the ladder
NEXT_ANNUAL_REPORT = timedelta(days=300)
UNIT_ERRORS = (1e3, 1e6)
LADDER_COLUMNS = (
    "ladder_period_end",
    "ladder_family",
    "ladder_accession_number",
    "ladder_total_usd",
    "is_ladder_partial",
    "is_ladder_stale",
    "is_ladder_implausible",
    "ladder_gap_pct",
    "due_12m_usd",
    "due_36m_usd",
)


def choose_ladder(
    known: PointInTimeFacts, ladders: Iterable[LadderAsOf], day: date
) -> LadderAsOf | None:
    """Return the newest ladder that is current, has no negative amount and matches its debt.

    Else the newest that is below its debt; else the newest. Quarterly ladders often end with the
    fourth year: the annual one before is then more complete.
    """
    newest = lower = None
    for ladder in ladders:
        newest = newest or ladder
        if _is_stale(known, ladder.ladder.period_end, day):
            break
        if _has_negative(ladder):
            continue
        gap = _gap_pct(known, ladder)
        if gap is None or abs(gap) <= MAX_LADDER_GAP_PCT:
            return ladder
        if gap < 0 and not _is_unit_error(gap):
            lower = lower or ladder
    return lower or newest


def ladder_metrics(known: PointInTimeFacts, ladder: LadderAsOf | None, day: date) -> dict[str, Any]:
    """Return the columns on a company's ladder, all None without one."""
    if ladder is None:
        return dict.fromkeys(LADDER_COLUMNS)
    end = ladder.ladder.period_end
    is_stale, gap = _is_stale(known, end, day), _gap_pct(known, ladder)
    is_implausible = _has_negative(ladder) or (
        gap is not None and (gap > MAX_LADDER_GAP_PCT or _is_unit_error(gap))
    )
    due = {
        months: due_within(ladder.amounts, ladder.windows, end, add_months(end, months))
        for months in (12, 36)
        if not is_stale and not is_implausible
    }
    due_usd = {months: amount / 100 for months, amount in due.items() if amount is not None}
    return {
        "ladder_period_end": end,
        "ladder_family": ladder.ladder.family,
        "ladder_accession_number": ladder.accession,
        "ladder_total_usd": _total_usd(ladder),
        "is_ladder_partial": ladder.ladder.is_partial,
        "is_ladder_stale": is_stale,
        "is_ladder_implausible": is_implausible,
        "ladder_gap_pct": _gap_on_own_day(known, ladder),
        "due_12m_usd": due_usd.get(12),
        "due_36m_usd": due_usd.get(36),
    }


def _total_usd(ladder: LadderAsOf) -> float:
    return sum(ladder.amounts.values()) / 100


def _gap_pct(known: PointInTimeFacts, ladder: LadderAsOf) -> float | None:
    """Gap against debt on the ladder's own date; if unknown, against the last annual report's.

    Debt may have grown since that report, though hardly tenfold.
    """
    gap, report = _gap_on_own_day(known, ladder), known.annual_report
    if gap is not None or report is None or report.end < ladder.ladder.period_end - MAX_REPORT_AGE:
        return gap
    gap = _gap_to(known, report.accession, report.end, ladder)
    return None if gap is not None and MAX_LADDER_GAP_PCT < gap <= MAX_DEBT_GROWTH_PCT else gap


def _gap_on_own_day(known: PointInTimeFacts, ladder: LadderAsOf) -> float | None:
    """Percent by which a ladder's total is above total debt of its period end."""
    return _gap_to(known, ladder.accession, ladder.ladder.period_end, ladder)


def _gap_to(known: PointInTimeFacts, accession: str, end: date, ladder: LadderAsOf) -> float | None:
    """Percent above total debt by all filings or by one of them alone, whichever is larger.

    A later report may state a part of the debt under the same tag, an amendment only a part.
    """
    found = (total_debt(known, end), total_debt(known.facts_of_filing(accession), end))
    debts = [debt for debt in found if debt is not None and debt.value > 0]
    if not debts:
        return None
    owed = max(debts, key=lambda debt: debt.value)
    gap = 100 * (_total_usd(ladder) / owed.value - 1)
    # debt is only a lower bound here, so a larger ladder total is not an error
    return None if owed.is_lower_bound and gap > 0 else gap


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
