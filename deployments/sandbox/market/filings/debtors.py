"""The filers: their debt, earnings and filing anomalies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from deployments.sandbox.market.companies.universe import SECTORS, Universe
from deployments.sandbox.market.filings.calendar import DECEMBER, JUNE, SATURDAY
from deployments.sandbox.market.filings.debt_lines import rare_ways

Kind = TypeVar("Kind")

#: First of the invented central index keys; the SEC has given out none so high.
FIRST_CIK = 7_000_001

#: The sector whose companies all file a whole ladder.
WHOLE_SECTOR = "Utilities"

#: What is dealt out in turn to the companies in a drawn order; the counts are the proportions.
LADDERS = (
    "fiscal", "none", "remainder", "fiscal", "rolling", "none", "with_leases", "partial",
    "remainder_next", "fiscal", "stale", "none", "overstated", "fiscal", "remainder", "none",
    "fiscal", "fiscal", "none", "fiscal",
)  # fmt: skip
DEBT_TAGS = (
    "long_term_debt", "split", "with_short", "convertible", "excludes_current", "long_term_debt",
    "split", "with_short", "long_term_debt", "long_term_debt",
)  # fmt: skip
USUAL_DEBT_TAGS = DEBT_TAGS[0]
INTEREST_TAGS = (
    "InterestExpense", "drift", "paid_only", "negative", "InterestExpense",
    "InterestExpenseNonoperating", "InterestExpenseDebt", "InterestExpense", "drift",
    "InterestAndDebtExpense", "InterestExpense", "InterestExpense",
)  # fmt: skip
CALENDARS = (JUNE, SATURDAY, *[DECEMBER] * 5, JUNE, *[DECEMBER] * 2)
SMALL_EARNINGS = ("zombie", "healthy", "unprofitable", "healthy", "recovering", "healthy") * 2
LARGE_EARNINGS = ("healthy", "zombie", "healthy", "unprofitable", *["healthy"] * 8)
EVENTS = ("amended", "late", *["plain"] * 8)
INCOME_TAGS = ("pretax", *["operating"] * 7)

#: One company in so many says what share of its debt floats, and one puts a rate in its place.
_DISCLOSERS = 40
_INDEBTED = (True,) * 11 + (False,)

_SIC = {
    "Information Technology": "7372",
    "Communication": "4841",
    "Consumer Discretionary": "5651",
    "Financials": "6211",
    "Health Care": "3841",
    "Industrials": "3560",
    "Consumer Staples": "2000",
    "Energy": "1311",
    "Materials": "2800",
    "Real Estate": "6798",
    "Utilities": "4911",
}
_INDUSTRY_SIC = {"Banks": "6021", "Biotechnology": "2836"}


@dataclass(frozen=True)
class Debtor:
    """One company as a debtor and as a filer.

    Attributes:
        company: index of the company.
        cik: its central index key.
        sector, sic: its sector, and the SEC's code of its industry.
        debt_usd: total debt at the start of the history; 0 for one without debt.
        floating_share: share of the debt whose rate follows the federal funds rate.
        fixed_rate, spread: rate of the fixed part, and what the floating part pays on top of the
            federal funds rate; fractions a year.
        is_financial: its interest is a cost of funds and says nothing of coverage.
        ladder: one of `LADDERS`, or "none".
        debt_tags: one of `DEBT_TAGS`, "with_leases", or a rare way of `debt_lines.csv`.
        interest_tags: one of `INTEREST_TAGS`.
        earnings: one of `SMALL_EARNINGS`.
        income_tags: "operating", or "pretax" where operating income is left out.
        calendar: where its fiscal year ends.
        event: one of `EVENTS`.
        disclosure: "share", "rate" (a rate filed as if it were the share) or "".
    """

    company: int
    cik: int
    sector: str
    sic: str
    debt_usd: float
    floating_share: float
    fixed_rate: float
    spread: float
    is_financial: bool
    ladder: str
    debt_tags: str
    interest_tags: str
    earnings: str
    income_tags: str
    calendar: str
    event: str
    disclosure: str = field(default="")

    @property
    def is_whole(self) -> bool:
        """Return whether its yearly ladders, as filed, contain all long-term debt."""
        return self.ladder in ("fiscal", "rolling", "with_leases", "remainder", "remainder_next")

    @property
    def anomalies(self) -> str:
        """Return the names of its anomalies, joined by semicolons."""
        named = [
            "" if self.debt_usd else "no_debt",
            "cost_of_funds" if self.is_financial else "",
            "" if self.calendar == DECEMBER else f"year_{self.calendar}",
            "" if self.ladder == "fiscal" else f"ladder_{self.ladder}",
            "debt_excludes_current" if self.debt_tags == "excludes_current" else "",
            f"interest_{self.interest_tags}"
            if self.interest_tags in ("drift", "paid_only", "negative")
            else "",
            "no_operating_income" if self.income_tags == "pretax" else "",
            "" if self.event == "plain" else self.event,
            f"discloses_{self.disclosure}" if self.disclosure else "",
        ]
        return ";".join(name for name in named if name)


def draw_debtors(universe: Universe, rng: np.random.Generator) -> list[Debtor]:
    """Draw one debtor per company, in the order of the companies."""
    total = len(universe)
    every = list(range(total))
    sector = [SECTORS[each] for each in universe.sector]
    banks = [name == "Financials" for name in sector]
    whole = [name == WHOLE_SECTOR for name in sector]
    plain = [each for each in every if not banks[each] and not whole[each]]
    indebted = _deal(_INDEBTED, plain, rng) | {i: True for i in every if i not in set(plain)}
    owing = [each for each in plain if indebted[each]]
    rest = [each for each in every if banks[each]]
    ladder = _deal(LADDERS, owing, rng) | _deal(("fiscal", "none"), rest, rng)
    ladder |= {i: "fiscal" for i in every if whole[i]}
    debt_tags = _deal(DEBT_TAGS, owing, rng)
    debt_tags |= {i: "with_leases" for i in owing if ladder[i] == "with_leases"}
    debt_tags |= _rare_ways({i: ladder[i] for i in owing if debt_tags[i] == USUAL_DEBT_TAGS})
    interest = _deal(INTEREST_TAGS, owing, rng)
    income = _deal(INCOME_TAGS, plain, rng)
    calendar = _deal(CALENDARS, plain, rng)
    event = _deal(EVENTS, [i for i in owing if ladder[i] not in ("none", "stale")], rng)
    earnings = _deal(SMALL_EARNINGS, [i for i in owing if not universe.large[i]], rng)
    earnings |= _deal(LARGE_EARNINGS, [i for i in owing if universe.large[i]], rng)
    share = np.where(rng.random(total) < 0.2, 0.0, rng.uniform(0.05, 0.95, total))
    share = np.round(np.where(universe.large, 0.4 * share, share), 4)
    floaters = [i for i in owing if share[i] > 0.05 and ladder[i] == "fiscal"]
    floaters = [floaters[at] for at in rng.permutation(len(floaters))]
    count = max(1, total // _DISCLOSERS)
    disclosed = dict.fromkeys(floaters[:count], "share")
    disclosed |= dict.fromkeys(floaters[count : 2 * count], "rate")
    owes = np.where(universe.large, rng.uniform(0.05, 0.4, total), rng.uniform(0.1, 0.9, total))
    fixed = np.where(universe.large, 0.025, 0.04) + rng.uniform(0, 0.03, total)
    spread = np.where(universe.large, 0.01, 0.02) + rng.uniform(0, 0.025, total)
    return [
        Debtor(
            company=i,
            cik=FIRST_CIK + i,
            sector=sector[i],
            sic=_INDUSTRY_SIC.get(universe.industry[i], _SIC[sector[i]]),
            debt_usd=float(universe.cap[i] * owes[i]) if indebted[i] else 0.0,
            floating_share=float(share[i]),
            fixed_rate=round(float(fixed[i]), 5),
            spread=round(float(spread[i]), 5),
            is_financial=banks[i],
            ladder=ladder.get(i, "none"),
            debt_tags=debt_tags.get(i, "long_term_debt"),
            interest_tags=interest.get(i, "InterestExpense"),
            earnings=earnings.get(i, "healthy"),
            income_tags="pretax" if banks[i] else income.get(i, "operating"),
            calendar=calendar.get(i, DECEMBER),
            event=event.get(i, "plain"),
            disclosure=disclosed.get(i, ""),
        )
        for i in every
    ]


def _rare_ways(ladders: dict[int, str]) -> dict[int, str]:
    """Give each rare way to state debt to one company; in a small market to none.

    Args:
        ladders: the ladder of each company that states its debt in the usual way.
    """
    ways = rare_ways()
    if len(ladders) < 2 * len(ways):
        return {}
    waiting = {
        ladder: [company for company, each in ladders.items() if each == ladder]
        for ladder in ways.values()
    }
    return {waiting[ladder].pop(0): way for way, ladder in ways.items() if waiting[ladder]}


def _deal(kinds: tuple[Kind, ...], to: list[int], rng: np.random.Generator) -> dict[int, Kind]:
    """Assign the kinds in rotation to companies in a drawn order."""
    return {to[at]: kinds[turn % len(kinds)] for turn, at in enumerate(rng.permutation(len(to)))}
