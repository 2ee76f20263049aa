"""Filings of a company that are not believed: their amounts are of the wrong scale."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from expectations.rules.filing_forms import role_of_form
from expectations.rules.filing_scale import Disbelief, FiledFact, find_unbelieved_filings
from tasks.derive.xbrl.concepts import usd_tags

F = TypeVar("F", bound=FiledFact)


def unbelieved_filings(facts: Iterable[FiledFact]) -> list[Disbelief]:
    """Return the filings of the wrong scale, at each day on which they change."""
    money = usd_tags()
    return find_unbelieved_filings(
        fact for fact in facts if fact.tag in money and role_of_form(fact.form) is not None
    )


def unbelieved_by(disbelief: Sequence[Disbelief], day: date) -> Mapping[str, int]:
    """Return the filings of the wrong scale as known on a day, with their power of ten."""
    at = bisect_right(disbelief, day, key=lambda step: step.known_from)
    return disbelief[at - 1].powers if at else {}


def ever_believed(facts: Sequence[F]) -> list[F]:
    """Return the facts without filings of the wrong scale that never were believed."""
    disbelief = unbelieved_filings(facts)
    last = disbelief[-1].powers if disbelief else {}
    return [
        fact
        for fact in facts
        if fact.accession not in last
        or fact.accession not in unbelieved_by(disbelief, fact.known_from)
    ]
