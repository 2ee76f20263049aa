"""Point-in-time facts: a company's XBRL facts as known on a day, newest filing first."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from expectations.rules.filing_forms import REPORT, role_of_form
from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.scale import unbelieved_by, unbelieved_filings
from tasks.derive.xbrl.successor import successor_starts


class Fact(NamedTuple):
    """One number of one filing; an instant has start = end.

    Attributes:
        filed: When its value was last filed.
        superseded: The fact with another value that it replaced, if known.
        value_first_filed: When this value was first filed, where it was filed more than once.
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
        """The day on which any value of this tag and period was first filed."""
        return self.value_known_since if self.superseded is None else self.superseded.first_filed

    def was_positive(self, filed: date) -> bool:
        """Return whether a value above zero was filed for this tag and period by a day."""
        if self.value > 0 and self.value_known_since <= filed:
            return True
        return self.superseded is not None and self.superseded.was_positive(filed)


class CompanyFacts(dict[str, "FactsByPeriod"]):
    """The facts of a company by tag.

    Attributes:
        successor_starts: The days on which a successor of the company before begins.
    """

    def __init__(self) -> None:
        """Start without facts."""
        super().__init__()
        self.successor_starts: set[date] = set()


class FactsByPeriod(dict[date, dict[date, Fact]]):
    """The facts of one tag of a company, by end and start of their period.

    Attributes:
        company: The facts of all tags of the company.
        restated: The facts that replaced another amount, in the order of filing.
    """

    def __init__(self, company: CompanyFacts) -> None:
        """Start without facts."""
        super().__init__()
        self.company = company
        self.restated: list[Fact] = []


# the forms that report a year, their amendments and those of transition periods too
ANNUAL_FORMS = ("10-K", "20-F", "40-F")
PERIODIC_FORMS = ("10-K", "10-Q")
# in days: 52 weeks are 364, 53 are 371; a calendar year ends up to 3 days off
FISCAL_YEAR_DAYS = (350, 380)
# 12 to 17 weeks: some retailers have one long quarter a year
FISCAL_QUARTER_DAYS = (75, 120)
# A recast of a segment or a division leaves most amounts as they were (30 of 39 at AT&T, 2018-10),
# up to rounding; the statements of an acquired company repeat none.
MIN_REPEATED_SHARE, ROUNDING_TOLERANCE = 0.5, 0.005
DEBT_CONCEPTS = ("debt_combined", "debt_long_term", "debt_noncurrent", "debt_long_term_current")
# Concepts that mark a reported period, most reliable first: totals of every balance sheet; income,
# which a note may state for a later month; equity and cash, which notes state for days after the
# balance sheet. Shares on the cover page have a date of their own and mark no period.
BALANCE_SHEET_CONCEPTS = ("assets", "liabilities")
INCOME_CONCEPTS = ("net_income", "pretax_income", "revenue")
OTHER_MARKER_CONCEPTS = ("equity", "cash")


@cache
def _fallback_concepts() -> tuple[str, ...]:
    """Return the concepts of debt and ladders, for companies that file nothing else."""
    ladders = (name for name in concepts() if name.startswith("ladder_"))
    return (*DEBT_CONCEPTS, "debt_current", "debt_short_term", *ladders)


@cache
def _report_marker_tags() -> frozenset[str]:
    return frozenset(
        tag for concept in (*BALANCE_SHEET_CONCEPTS, *DEBT_CONCEPTS) for tag in concepts()[concept]
    )


@cache
def _debt_tags() -> frozenset[str]:
    """Return the tags of debt, of its maturity schedules and of the totals that limit it."""
    debt = (name for name in concepts() if name.startswith(("debt_", "ladder_")))
    return frozenset(
        tag for name in (*debt, *BALANCE_SHEET_CONCEPTS, "equity") for tag in concepts()[name]
    )


class PointInTimeFacts:
    """The facts of one company as known on a day.

    The newest report's value of a tag and period counts: amendments and restated comparatives
    replace earlier values. Registration statements and current reports count where no report has
    the period, or as a report if they repeat half of the amounts filed before: the company recasts
    its statements then. Proxy statements and filings of the wrong scale never count.

    Attributes:
        unbelieved: The filings of the wrong scale, as known.
        annual_report: A fact of the newest period end with a known annual report.
        year_ends: Fiscal year ends in annual reports. Twelve months in a quarterly report are not a
            fiscal year.
        cache: Results computed from a day's debt; cleared when a debt fact of that day arrives.
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        """Start without any known fact; facts that end after they were filed are ignored."""
        filings: dict[tuple[date, date, str], list[Fact]] = {}
        for fact in facts:
            if fact.start <= fact.end <= fact.filed and role_of_form(fact.form) is not None:
                order = (fact.known_from, fact.filed, fact.accession)
                filings.setdefault(order, []).append(fact)
        self._pending = [filings[order] for order in sorted(filings)]
        # a filing is judged by those before it
        is_judged = len(filings) > 1
        self._disbelief = unbelieved_filings(chain(*self._pending)) if is_judged else []
        self.unbelieved: Mapping[str, int] = {}
        self._forget()

    def _forget(self) -> None:
        """Return to the state without any known fact."""
        self._next = 0
        self._reports: set[str] = set()
        self._spans = CompanyFacts()
        # concept to the facts of its tags, until another tag is filed
        self._series: dict[str, list[FactsByPeriod]] = {}
        self._filings: dict[str, list[Fact]] = {}
        self._of_filings: dict[str, PointInTimeFacts] = {}
        self.annual_report: Fact | None = None
        self.year_ends: set[date] = set()
        self.cache: dict[date, Any] = {}

    def advance_to(self, day: date) -> bool:
        """Add the facts known by a day; return whether there were any."""
        unbelieved = unbelieved_by(self._disbelief, day)
        changed = unbelieved.keys() ^ self.unbelieved.keys()
        is_new = bool(changed) and any(
            filing[0].accession in changed for filing in self._pending[: self._next]
        )
        self.unbelieved = unbelieved
        if is_new:
            self._forget()
        while self._next < len(self._pending) and self._pending[self._next][0].known_from <= day:
            filing = self._pending[self._next]
            self._next += 1
            if filing[0].accession not in unbelieved:
                self._add(filing)
                if filing[0].form.startswith(PERIODIC_FORMS):
                    self._spans.successor_starts |= successor_starts(filing, self.year_ends)
                is_new = True
        return is_new

    def _is_report(self, filing: Sequence[Fact]) -> bool:
        """Return whether a filing is a report, or recasts the company's reports."""
        if role_of_form(filing[0].form) == REPORT:
            return True
        known = [
            (fact.value, before.value)
            for fact in filing
            if fact.tag in self._spans
            and (before := self._spans[fact.tag].get(fact.end, {}).get(fact.start)) is not None
        ]
        repeated = sum(abs(new - old) <= ROUNDING_TOLERANCE * abs(old) for new, old in known)
        return bool(known) and repeated >= MIN_REPEATED_SHARE * len(known)

    def _add(self, filing: Sequence[Fact]) -> None:
        """Add the facts of the newest filing known."""
        accession, is_report = filing[0].accession, self._is_report(filing)
        if is_report:
            self._reports.add(accession)
        for fact in filing:
            self._replace(fact, is_report)
            if fact.form.startswith(ANNUAL_FORMS):
                self._add_annual(fact)
        tags = _debt_tags()
        debt = [fact for fact in filing if fact.tag in tags]
        for fact in debt:
            self.cache.pop(fact.end, None)
        if debt:
            self._filings.setdefault(accession, []).extend(debt)
            self._of_filings.pop(accession, None)

    def _add_annual(self, fact: Fact) -> None:
        """Add a fact of an annual report."""
        if FISCAL_YEAR_DAYS[0] <= (fact.end - fact.start).days + 1 <= FISCAL_YEAR_DAYS[1]:
            self.year_ends.add(fact.end)
        if fact.form.startswith("10-K") and fact.tag in _report_marker_tags():
            report = self.annual_report
            # a comparative of a later report is not the report of its period
            if report is None or fact.end > report.end:
                self.annual_report = fact

    def _replace(self, fact: Fact, is_report: bool) -> None:
        """Store a fact in place of the one that it restates, if it ranks above that."""
        if fact.tag not in self._spans:
            self._spans[fact.tag] = FactsByPeriod(self._spans)
            self._series.clear()
        spans = self._spans[fact.tag]
        stored = spans.setdefault(fact.end, {})
        before = stored.get(fact.start)
        was_report = before is not None and before.accession in self._reports
        if before is None or (is_report and not was_report):
            stored[fact.start] = fact
            return
        # one that was filed earlier may become known later; the newest filing stays
        is_older = (before.filed, before.accession) > (fact.filed, fact.accession)
        if was_report != is_report or is_older:
            return
        if before.value == fact.value:
            fact = fact._replace(
                superseded=before.superseded, value_first_filed=before.value_known_since
            )
        else:
            fact = fact._replace(superseded=before)
            spans.restated.append(fact)
        stored[fact.start] = fact

    @property
    def company(self) -> CompanyFacts:
        """The known facts of all tags, by tag."""
        return self._spans

    def series(self, concept: str) -> Sequence[FactsByPeriod]:
        """Return the facts of a concept's tags, preferred first, without tags never filed."""
        if concept not in self._series:
            tags = (tag for tag in concepts()[concept] if tag in self._spans)
            self._series[concept] = [self._spans[tag] for tag in tags]
        return self._series[concept]

    def series_of_tag(self, tag: str) -> list[FactsByPeriod]:
        """Return the facts of one tag in the form of `series`."""
        return [self._spans[tag]] if tag in self._spans else []

    def has_above_zero(self, tag: str, filed: date) -> bool:
        """Return whether any amount of a tag is above zero, and was so by a filing date."""
        facts = (fact for starts in self._spans.get(tag, {}).values() for fact in starts.values())
        return any(fact.value > 0 and fact.was_positive(filed) for fact in facts)

    def instant(self, concept: str, end: date) -> Fact | None:
        """Return a concept's amount on exactly a day, from the preferred tag that has one."""
        for spans in self.series(concept):
            starts = spans.get(end)
            if starts is not None and end in starts:
                return starts[end]
        return None

    def instants(self, concept: str, end: date) -> list[Fact]:
        """Return a concept's amounts on exactly a day, one per tag, preferred first."""
        days = (spans[end] for spans in self.series(concept) if end in spans)
        return [starts[end] for starts in days if end in starts]

    def facts_of_filing(self, accession: str) -> "PointInTimeFacts":
        """Return the known facts of one filing alone on debt and its limits."""
        if accession not in self._of_filings:
            found = PointInTimeFacts(self._filings.get(accession, ()))
            found.advance_to(date.max)
            self._of_filings[accession] = found
        return self._of_filings[accession]

    def newest_instant(self, concept: str, until: date) -> Fact | None:
        """Return a concept's newest amount by a day, from the preferred tag of its day."""
        ends = [
            end
            for spans in self.series(concept)
            for end, starts in spans.items()
            if end <= until and end in starts
        ]
        return self.instant(concept, max(ends)) if ends else None

    def latest_period_end(self) -> date | None:
        """Return the end of the newest reported period, by the most reliable concepts filed.

        A total of assets or liabilities without any other concept is from a note, not a report.
        """
        for group in (
            BALANCE_SHEET_CONCEPTS,
            INCOME_CONCEPTS,
            OTHER_MARKER_CONCEPTS,
            _fallback_concepts(),
        ):
            ends = {end for concept in group for spans in self.series(concept) for end in spans}
            if not ends:
                continue
            newest = sorted(ends, reverse=True)
            reported = (end for end in newest if self._concept_count(end) > 1)
            return next(reported, newest[0]) if group is BALANCE_SHEET_CONCEPTS else newest[0]
        return None

    def _concept_count(self, end: date) -> int:
        """Count the concepts of a report that are filed for a period end."""
        markers = (
            *BALANCE_SHEET_CONCEPTS,
            *INCOME_CONCEPTS,
            *OTHER_MARKER_CONCEPTS,
            *DEBT_CONCEPTS,
        )
        return sum(any(end in spans for spans in self.series(concept)) for concept in markers)

    def latest_filing_for(self, end: date) -> Fact | None:
        """Return a fact of the newest filing that reports a period end."""
        for group in (
            (*BALANCE_SHEET_CONCEPTS, *INCOME_CONCEPTS),
            OTHER_MARKER_CONCEPTS,
            _fallback_concepts(),
        ):
            facts = [
                fact
                for concept in group
                for spans in self.series(concept)
                for fact in spans.get(end, {}).values()
            ]
            if facts:
                return max(facts, key=attrgetter("filed", "accession"))
        return None
