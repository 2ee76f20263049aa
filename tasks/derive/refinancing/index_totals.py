"""Totals over an index's members: principal due by year, effect of rate changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from tasks.derive.debt.ladder_windows import cents
from tasks.derive.incremental.index_members import ALL_SECTORS
from tasks.derive.refinancing.company_row import FINANCIALS

SHOCKS_BP = (-100, -25, 25, 100)


@dataclass(frozen=True, slots=True)
class IndexCompany:
    """A member of an index on a day.

    Attributes:
        sector: Its sector there.
        row: Its row of `company_refinancing` with `is_financial`; empty where it has none.
        principal_by_year: Calendar year to cents due, from its newest ladder; None without a
            usable one.
    """

    sector: str | None
    row: Mapping[str, Any]
    principal_by_year: Mapping[int, int] | None


def by_sector(companies: Iterable[IndexCompany]) -> dict[str, list[IndexCompany]]:
    """Group companies by sector, and all of them under `ALL_SECTORS`."""
    found: dict[str, list[IndexCompany]] = {ALL_SECTORS: []}
    for company in companies:
        found[ALL_SECTORS].append(company)
        if company.sector is not None:
            found.setdefault(company.sector, []).append(company)
    return found


def wall_rows(
    companies: Sequence[IndexCompany], market: tuple[float, str] | None
) -> list[dict[str, Any]]:
    """Build the wall of one group of members: one row per year with principal due.

    No row where no total debt is known: a wall without its coverage is not published.

    Args:
        companies: All members, with facts or without.
        market: The market rate and its series.
    """
    with_debt = [c for c in companies if c.row.get("total_debt_usd") is not None]
    with_ladder = [c for c in companies if c.principal_by_year is not None]
    with_unusable_ladder = [
        c for c in companies if c.principal_by_year is None and c.row.get("ladder_period_end")
    ]
    debt = sum(cents(c.row["total_debt_usd"]) for c in with_debt)
    if debt <= 0:
        return []
    explained = sum(
        max(min(sum((c.principal_by_year or {}).values()), cents(c.row["total_debt_usd"])), 0)
        for c in with_debt
    )
    years = sorted({year for c in with_ladder for year in c.principal_by_year or {}})
    total = sum(sum((c.principal_by_year or {}).values()) for c in with_ladder)
    rows, cumulative = [], 0
    for year in years:
        parts = [(c.row, (c.principal_by_year or {}).get(year, 0)) for c in with_ladder]
        parts = [(row, part) for row, part in parts if part]
        principal = sum(part for _, part in parts)
        cumulative += principal
        rated = [(row["effective_rate"], part) for row, part in parts if _rate(row) is not None]
        weight = sum(part for _, part in rated)
        rate_weighted_principal = fsum(rate * part for rate, part in rated)
        uplift = (
            fsum((market[0] - rate) * part for rate, part in rated) / 100
            if market is not None and rated
            else None
        )
        rows.append(
            {
                "due_year": year,
                "principal_usd": principal / 100,
                "companies": len(parts),
                "share_of_total": principal / total if total else None,
                "cumulative_share": cumulative / total if total else None,
                "weighted_effective_rate": rate_weighted_principal / weight if weight else None,
                "principal_with_rate_usd": weight / 100,
                "market_rate": None if market is None else market[0],
                "market_rate_series": None if market is None else market[1],
                "uplift_usd": uplift,
                "zombie_principal_usd": sum(p for row, p in parts if row.get("is_zombie")) / 100,
                "members": len(companies),
                "members_with_debt": len(with_debt),
                "members_with_ladder": len(with_ladder),
                "members_with_excluded_ladder": len(with_unusable_ladder),
                "total_debt_usd": debt / 100,
                "ladder_total_usd": total / 100,
                "debt_coverage_pct": 100 * explained / debt,
            }
        )
    return rows


def _rate(row: Mapping[str, Any]) -> float | None:
    rate: float | None = row.get("effective_rate")
    return rate


def shock_rows(companies: Sequence[IndexCompany]) -> list[dict[str, Any]]:
    """Build the effect of rate changes on one group of members: one row per shock."""
    members = [c for c in companies if c.sector != FINANCIALS and not c.row.get("is_financial")]
    debtors = [c.row for c in members if c.row.get("total_debt_usd") is not None]
    known = [row for row in debtors if _share(row) is not None]
    total = sum(cents(row["total_debt_usd"]) for row in debtors)
    covered = sum(cents(row["total_debt_usd"]) for row in known)
    floating = _floating(known)
    with_pretax_income = [row for row in known if row["pretax_income_ttm_usd"] is not None]
    pretax = sum(cents(row["pretax_income_ttm_usd"]) for row in with_pretax_income)
    covering = [
        row
        for row in debtors
        if row["ebit_ttm_usd"] is not None and row["interest_expense_ttm_usd"] is not None
    ]
    ebit = sum(cents(row["ebit_ttm_usd"]) for row in covering)
    interest = sum(cents(row["interest_expense_ttm_usd"]) for row in covering)
    known_floating_cents = _floating([row for row in covering if _share(row) is not None])
    unknown_debt_cents = sum(
        cents(row["total_debt_usd"]) for row in covering if _share(row) is None
    )
    rows = []
    for shock in SHOCKS_BP if debtors else ():
        step = shock / 10_000
        change = floating * step
        other = (total - covered) * step
        rows.append(
            {
                "shock_bp": shock,
                "members": len(members),
                "members_with_debt": len(debtors),
                "members_with_floating_share": len(known),
                "total_debt_usd": total / 100,
                "floating_share_coverage_pct": 100 * covered / total if total > 0 else None,
                "floating_debt_usd": floating / 100,
                "floating_share": floating / covered if covered > 0 else None,
                "interest_change_usd": change / 100,
                "interest_change_low_usd": (change + min(other, 0.0)) / 100,
                "interest_change_high_usd": (change + max(other, 0.0)) / 100,
                "pretax_income_ttm_usd": pretax / 100 if with_pretax_income else None,
                "pretax_change_pct": (
                    -100 * _floating(with_pretax_income) * step / abs(pretax) if pretax else None
                ),
                "members_with_coverage": len(covering),
                "interest_coverage": _coverage(ebit, interest),
                "interest_coverage_after": _coverage(ebit, interest + known_floating_cents * step),
                "interest_coverage_after_bound": _coverage(
                    ebit, interest + (known_floating_cents + unknown_debt_cents) * step
                ),
            }
        )
    return rows


def _share(row: Mapping[str, Any]) -> float | None:
    """Return a company's floating share: as disclosed, else implied."""
    disclosed: float | None = row.get("floating_share_disclosed")
    implied: float | None = row.get("implied_floating_share")
    return implied if disclosed is None else disclosed


def _floating(rows: Iterable[Mapping[str, Any]]) -> int:
    """Sum floating debt in cents, rounded per company so that their order changes nothing."""
    return sum(round(cents(row["total_debt_usd"]) * (_share(row) or 0.0)) for row in rows)


def _coverage(ebit: float, interest: float) -> float | None:
    return ebit / interest if interest > 0 else None
