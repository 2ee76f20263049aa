"""How filers state their debt: the lines of `debt_lines.csv` as shares of its parts.

A row is a line of one way to state debt: its tag, and the share of noncurrent, current and other
short-term debt that it holds. `ladder` says which maturity table a filer must have to state its
debt so; the ways without one are dealt out to filers of every kind.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class DebtLine:
    """One line of debt.

    Attributes:
        tag: its us-gaap tag.
        noncurrent, current, short: the shares that it holds of noncurrent long-term debt, of its
            current portion, and of other short-term debt.
    """

    tag: str
    noncurrent: float
    current: float
    short: float

    def amount(self, noncurrent: float, current: float, short: float) -> float:
        """Return what the line states, USD."""
        return self.noncurrent * noncurrent + self.current * current + self.short * short


@cache
def debt_lines() -> dict[str, tuple[DebtLine, ...]]:
    """Return the lines by way to state debt (`debt_tags`)."""
    lines: dict[str, tuple[DebtLine, ...]] = {}
    for row in _rows():
        shares = (float(row[name]) for name in ("noncurrent", "current", "short"))
        name = row["debt_tags"]
        lines[name] = (*lines.get(name, ()), DebtLine(row["tag"], *shares))
    return lines


@cache
def rare_ways() -> dict[str, str]:
    """Return the ways that one filer has in a large market, with the ladder each needs."""
    return {row["debt_tags"]: row["ladder"] for row in _rows() if row["ladder"]}


def has_short_term(debt_tags: str) -> bool:
    """Return whether a way states short-term debt other than the current portion."""
    return any(line.short and line.tag != "Liabilities" for line in debt_lines()[debt_tags])


@cache
def _rows() -> tuple[dict[str, str], ...]:
    path = Path(__file__).with_name("debt_lines.csv")
    with path.open(encoding="utf-8") as file:
        return tuple(csv.DictReader(file))
