"""Reasons why amounts of `company_refinancing` are unknown."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from tasks.derive.debt.interest import INTEREST_CONCEPTS
from tasks.derive.xbrl.basis import is_one_basis, is_one_company
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import FactsByPeriod, PointInTimeFacts
from tasks.derive.xbrl.periods import trailing_twelve_months

# the concepts of each trailing amount, in the order in which they are used
TRAILING_CONCEPTS = {
    "interest_expense_ttm_usd": INTEREST_CONCEPTS,
    "pretax_income_ttm_usd": ("pretax_income", "income_tax"),
    "ebit_ttm_usd": ("operating_income", "pretax_income"),
    "net_income_ttm_usd": ("net_income",),
}


def missing_reasons(known: PointInTimeFacts, end: date, row: Mapping[str, Any]) -> str | None:
    """Return the reasons for the unknown amounts of a row, as column: reason; None without any.

    Args:
        known: The company's facts.
        end: The period end of its newest report.
        row: The amounts.
    """
    reasons = {
        column: _trailing_reason(known, end, names)
        for column, names in TRAILING_CONCEPTS.items()
        if row[column] is None
    }
    if row["total_debt_usd"] is None:
        reasons["total_debt_usd"] = _debt_reason(known)
    for accession, power in sorted(known.unbelieved.items()):
        reasons[f"filing {accession}"] = f"not believed, its amounts are off by 1e{power}"
    return "; ".join(f"{name}: {reason}" for name, reason in sorted(reasons.items())) or None


def _trailing_reason(known: PointInTimeFacts, end: date, names: tuple[str, ...]) -> str:
    series = next((found for name in names if (found := known.series(name))), None)
    if series is None:
        return "no tag of it is filed"
    mixed = trailing_twelve_months(series, end, is_checked=False)
    if mixed is None:
        return "a part is not filed" if _has_period(series, end) else "not in the newest report"
    if not is_one_company(mixed.facts, series[0].company):
        return "a part is another company's, before a merger"
    if not is_one_basis(mixed.facts, series):
        return "a part was restated without the others"
    return "its parts do not fit together"


def _has_period(series: Sequence[FactsByPeriod], end: date) -> bool:
    return any(end in spans for spans in series)


def _debt_reason(known: PointInTimeFacts) -> str:
    has_debt = any(known.series(name) for name in concepts() if name.startswith("debt_"))
    return "no total in the newest report" if has_debt else "no tag of debt is filed"
