"""Notes to related parties: a balance-sheet line of their own beside other debt."""

from dataclasses import replace

from tasks.derive.debt.components import INSTRUMENTS, is_close, sum_values
from tasks.derive.debt.debt import Debt
from tasks.derive.debt.lines import DebtLines
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import Fact

# totals that may include notes to related parties which do not exceed them
TOTALS = ("debt_long_term", "debt_combined", INSTRUMENTS)
BASIS = "notes to related parties"


def add_related_parties(lines: DebtLines, found: Debt | None) -> Debt | None:
    """Add notes to related parties to the other debt.

    A total that may include them, or a sum above liabilities, becomes a lower bound. Current notes
    alone are one, too.
    """
    notes = _related_notes(lines)
    amount = sum_values(notes)
    if not amount:
        return found
    if found is None or not found.value:
        is_part = all(fact.tag in concepts()["debt_related_parties_current"] for fact in notes)
        if lines.exceeds_liabilities(amount):
            return None
        return Debt(amount, BASIS, tuple(notes), is_lower_bound=is_part)
    if any(is_close(fact.value, each.value) for fact in found.facts for each in notes):
        return replace(found, is_contradicted=True)
    if _may_include(found, amount) or lines.exceeds_liabilities(found.value + amount):
        return replace(found, is_lower_bound=True)
    return replace(
        found,
        value=found.value + amount,
        method=f"{found.method} + {BASIS}",
        facts=(*found.facts, *notes),
    )


def _related_notes(lines: DebtLines) -> list[Fact]:
    """Return all notes to related parties, else the noncurrent and the current ones."""
    known, day = lines.known, lines.day
    whole = known.instants("debt_related_parties", day)
    parts = [
        fact
        for concept in ("debt_related_parties_noncurrent", "debt_related_parties_current")
        for fact in known.instants(concept, day)
    ]
    best = max(whole[:1], parts, key=sum_values)
    return [fact for fact in best if fact.value > 0]


def _may_include(found: Debt, amount: float) -> bool:
    """Return whether a total of the debt may include the notes."""
    totals = {tag for concept in TOTALS for tag in concepts()[concept]}
    return any(fact.tag in totals and fact.value >= amount for fact in found.facts)
