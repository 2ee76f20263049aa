"""What was known of a company on a day: its facts as filed by then, newest filing first."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from tasks.derive.xbrl.concepts import concepts


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of one filing; an instant has start = end.

    Attributes:
        filed: When its value was last filed.
        superseded: The other value that was filed of the same before, as far as is known.
        value_first_filed: When this value was filed first, where it was filed more than once.
    """

    tag: str
    start: date
    end: date
    value: float
    accession: str
    form: str
    fiscal_period: str | None
    filed: date
    known_from: date
    superseded: "Fact | None" = None
    value_first_filed: date | None = None

    @property
    def value_known_since(self) -> date:
        """The day on which this value was first filed."""
        return self.value_first_filed or self.filed

    @property
    def first_filed(self) -> date:
        """The day on which any value of the same was first filed."""
        return self.value_known_since if self.superseded is None else self.superseded.first_filed

    def was_positive(self, filed: date) -> bool:
        """Whether a value above zero was filed of the same by a day."""
        if self.value > 0 and self.value_known_since <= filed:
            return True
        return self.superseded is not None and self.superseded.was_positive(filed)


FactsByPeriod = dict[date, dict[date, Fact]]
# the forms that report a year, their amendments and those of transition periods too
ANNUAL_FORMS = ("10-K", "20-F", "40-F")
# in days: 52 weeks are 364, 53 are 371; a calendar year ends up to 3 days off
FISCAL_YEAR_DAYS = (350, 380)


DEBT_CONCEPTS = ("debt_combined", "debt_long_term", "debt_noncurrent", "debt_long_term_current")
# What shows that a period was reported on, surest first: totals that every balance sheet has; what
# a note may give of a later month, too; then what notes give on days past the balance sheet's, as
# the cash at the time of writing. A cover page's shares have a day of their own.
BALANCE_SHEET_CONCEPTS = ("assets", "liabilities")
INCOME_CONCEPTS = ("net_income", "pretax_income", "revenue")
OTHERS = ("equity", "cash")


@cache
def _last_resort() -> tuple[str, ...]:
    """Debt and what falls due, where a company has no more."""
    ladders = (name for name in concepts() if name.startswith("ladder_"))
    return (*DEBT_CONCEPTS, "debt_current", "debt_short_term", *ladders)


@cache
def _report_marker_tags() -> frozenset[str]:
    return frozenset(
        tag for concept in (*BALANCE_SHEET_CONCEPTS, *DEBT_CONCEPTS) for tag in concepts()[concept]
    )


@cache
def _debt_tags() -> frozenset[str]:
    """What is told of debt, and of what can't be less than it."""
    debt = (name for name in concepts() if name.startswith("debt_"))
    return frozenset(
        tag for name in (*debt, *BALANCE_SHEET_CONCEPTS, "equity") for tag in concepts()[name]
    )


class PointInTimeFacts:
    """The facts of one company, as far as they were known on the day reached.

    Of a tag and period the newest filing's value counts: amendments and restated comparatives
    take the place of what was filed before.

    Attributes:
        annual_report: A fact of the newest period end that an annual report is known for.
        year_ends: The days on which a year of an annual report ends. What a quarterly one says of
            twelve months is of no fiscal year.
        cache: What others made of a day's instants, until another fact of that day comes.
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        """Knows nothing yet; facts that end after they were filed are never believed."""
        self._coming = sorted(
            (fact for fact in facts if fact.start <= fact.end <= fact.filed),
            key=lambda fact: (fact.known_from, fact.filed, fact.accession),
            reverse=True,
        )
        self._spans: dict[str, FactsByPeriod] = {}
        self._filings: dict[str, list[Fact]] = {}
        self._of_filings: dict[str, PointInTimeFacts] = {}
        self.annual_report: Fact | None = None
        self.year_ends: set[date] = set()
        self.cache: dict[date, Any] = {}

    def advance_to(self, day: date) -> bool:
        """Learns what was known by a day; says whether that was anything new."""
        is_new = False
        while self._coming and self._coming[-1].known_from <= day:
            fact = self._coming.pop()
            held = self._spans.setdefault(fact.tag, {}).setdefault(fact.end, {})
            before = held.get(fact.start)
            # one that was filed earlier may become known later; the newest filing stays
            if before is None or (before.filed, before.accession) <= (fact.filed, fact.accession):
                if before is not None and before.value == fact.value:
                    fact = replace(
                        fact,
                        superseded=before.superseded,
                        value_first_filed=before.value_known_since,
                    )
                elif before is not None:
                    fact = replace(fact, superseded=before)
                held[fact.start] = fact
            days = (fact.end - fact.start).days + 1
            if (
                fact.form.startswith(ANNUAL_FORMS)
                and FISCAL_YEAR_DAYS[0] <= days <= FISCAL_YEAR_DAYS[1]
            ):
                self.year_ends.add(fact.end)
            if fact.form.startswith("10-K") and fact.tag in _report_marker_tags():
                report = self.annual_report
                # a comparative of a later report is not the report of its period
                if report is None or fact.end > report.end:
                    self.annual_report = fact
            self.cache.pop(fact.end, None)
            if fact.tag in _debt_tags():
                self._filings.setdefault(fact.accession, []).append(fact)
                self._of_filings.pop(fact.accession, None)
            is_new = True
        return is_new

    def series(self, concept: str) -> list[FactsByPeriod]:
        """The facts of a concept's tags, best tag first; tags that were never filed left out."""
        return [self._spans[tag] for tag in concepts()[concept] if tag in self._spans]

    def series_of_tag(self, tag: str) -> list[FactsByPeriod]:
        """The facts of one tag, as `series` has them."""
        return [self._spans[tag]] if tag in self._spans else []

    def has_above_zero(self, tag: str, filed: date) -> bool:
        """Whether any amount of a tag is above zero, and was by a day of filing."""
        facts = (fact for starts in self._spans.get(tag, {}).values() for fact in starts.values())
        return any(fact.value > 0 and fact.was_positive(filed) for fact in facts)

    def instant(self, concept: str, end: date) -> Fact | None:
        """A concept's amount on a day, from the best tag that has one on that very day."""
        return next(iter(self.instants(concept, end)), None)

    def instants(self, concept: str, end: date) -> list[Fact]:
        """A concept's amounts on a day, one per tag that has one on that very day, best first."""
        held = (spans.get(end, {}).get(end) for spans in self.series(concept))
        return [fact for fact in held if fact is not None]

    def facts_of_filing(self, accession: str) -> "PointInTimeFacts":
        """What one filing says of debt by itself, and of all that is owed, as far as known."""
        if accession not in self._of_filings:
            found = PointInTimeFacts(self._filings.get(accession, ()))
            found.advance_to(date.max)
            self._of_filings[accession] = found
        return self._of_filings[accession]

    def newest_instant(self, concept: str, until: date) -> Fact | None:
        """A concept's newest amount: the newest day first, then the best tag of that day."""
        ends = [
            end
            for spans in self.series(concept)
            for end, starts in spans.items()
            if end <= until and end in starts
        ]
        return self.instant(concept, max(ends)) if ends else None

    def latest_period_end(self) -> date | None:
        """The end of the newest period that was reported on, by the surest anchors there are.

        A total of assets or liabilities that nothing is told beside is a note's, not a report's.
        """
        for group in (BALANCE_SHEET_CONCEPTS, INCOME_CONCEPTS, OTHERS, _last_resort()):
            ends = {end for concept in group for spans in self.series(concept) for end in spans}
            if not ends:
                continue
            newest = sorted(ends, reverse=True)
            sure = (end for end in newest if self._concept_count(end) > 1)
            return next(sure, newest[0]) if group is BALANCE_SHEET_CONCEPTS else newest[0]
        return None

    def _concept_count(self, end: date) -> int:
        """How many of the concepts of a report are told of a period's end."""
        told = (*BALANCE_SHEET_CONCEPTS, *INCOME_CONCEPTS, *OTHERS, *DEBT_CONCEPTS)
        return sum(any(end in spans for spans in self.series(concept)) for concept in told)

    def latest_filing_for(self, end: date) -> Fact | None:
        """A fact of the filing that reported on a period's end last."""
        found: Fact | None = None
        for group in ((*BALANCE_SHEET_CONCEPTS, *INCOME_CONCEPTS), OTHERS, _last_resort()):
            for concept in group:
                for spans in self.series(concept):
                    for fact in spans.get(end, {}).values():
                        if found is None or (fact.filed, fact.accession) > (
                            found.filed,
                            found.accession,
                        ):
                            found = fact
            if found is not None:
                return found
        return None
