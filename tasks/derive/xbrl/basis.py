"""Whether facts of several filings may be added: one company's, all before or after a restatement.

After a reverse merger the comparatives are those of the acquirer: assets and equity differ from
those that the shell filed. A restatement changes some periods; a year filed between the
old and the new amounts of a part may have either basis, and the filings decide which.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import (
    FISCAL_QUARTER_DAYS,
    ROUNDING_TOLERANCE,
    CompanyFacts,
    Fact,
    FactsByPeriod,
)

# a restatement by a smaller share of the largest amount does not change the basis
RESTATEMENT_TOLERANCE = 0.1
# a restatement counts from the quarter before the sum's periods
MAX_DISTANCE = timedelta(days=FISCAL_QUARTER_DAYS[1])
BALANCE_SHEET = ("assets", "liabilities", "equity")
# An error corrected in a part changes net income as well, less taxes; a division that is sold or a
# line that is moved does not.
MIN_INCOME_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class _Change:
    """The amount of a period in two filings."""

    old: float
    new: float

    @property
    def is_material(self) -> bool:
        return abs(self.new - self.old) > RESTATEMENT_TOLERANCE * max(abs(self.old), abs(self.new))

    @property
    def is_rounding(self) -> bool:
        return abs(self.new - self.old) <= ROUNDING_TOLERANCE * max(abs(self.old), abs(self.new))


def is_one_basis(facts: Sequence[Fact], series: Sequence[FactsByPeriod]) -> bool:
    """Return whether no fact was left behind by a restatement or a merger of the company.

    Args:
        facts: The parts of a sum.
        series: All facts of their tags.
    """
    if len(facts) == 1:
        return True
    company = series[0].company
    if has_successor(facts, company):
        return False
    last_filed = max(fact.filed for fact in facts)
    earlier = [fact for fact in facts if fact.filed < last_filed]
    if not earlier:
        return True
    first = min(fact.start for fact in facts) - MAX_DISTANCE
    most = RESTATEMENT_TOLERANCE * max(abs(fact.value) for fact in facts)
    restatements = [
        (restated, spans)
        for spans in series
        for restated in spans.restated
        if restated.end >= first and _moved_usd(restated) > most
    ]
    return not any(
        has_new_company(company, fact.filed, last_filed)
        or any(
            _has_moved(restated, spans, fact.filed, last_filed, most)
            and not _has_new_basis(fact, restated, most, spans)
            for restated, spans in restatements
        )
        for fact in earlier
    )


def on_basis_of(whole: Fact, part: Fact, rest_usd: float | None, spans: FactsByPeriod) -> Fact:
    """Return a part of a period with the amount that the filing of the whole period has.

    A part restated since by little would leave the whole restatement in the remainder (LMT 2018:
    nine months of 2017 restated by 63 of 2,644). A large restatement stays: `is_one_basis` judges.

    Args:
        whole: The longer period.
        part: The part, as filed last.
        rest_usd: The rest of the whole as filed: it tells whether the whole was restated before.
        spans: All facts of the part's tag.
    """
    most = RESTATEMENT_TOLERANCE * max(abs(whole.value), abs(part.value))
    versions = [part]
    while (
        part.superseded is not None
        and part.value_known_since > whole.filed
        and _moved_usd(part) <= most
        and (rest_usd is not None or not _has_new_basis(whole, part, _moved_usd(part) / 2, spans))
    ):
        part = part.superseded
        versions.append(part)
    if rest_usd is None:
        return part
    return min(versions, key=lambda each: abs(whole.value - each.value - rest_usd))


def _has_moved(restated: Fact, spans: FactsByPeriod, after: date, until: date, most: float) -> bool:
    """Return whether a restated amount was another on a day, or at first, and still is."""
    if not after < restated.filed <= until:
        return False
    changes = _changes([spans], restated.start, restated.end, after, until, or_first=True)
    return any(abs(change.new - change.old) > most for change in changes)


def is_one_company(facts: Iterable[Fact], company: CompanyFacts) -> bool:
    """Return whether no fact is of a company that another succeeded, or replaced in a merger."""
    facts = list(facts)
    days = sorted({fact.filed for fact in facts})
    return not days or not (
        has_successor(facts, company) or has_new_company(company, days[0], days[-1])
    )


def has_successor(facts: Iterable[Fact], company: CompanyFacts) -> bool:
    """Return whether a successor began between the ends of facts."""
    if not company.successor_starts:
        return False
    ends = sorted(fact.end for fact in facts)
    return any(ends[0] < start <= ends[-1] for start in company.successor_starts)


def has_new_company(company: CompanyFacts, after: date, until: date) -> bool:
    """Return whether filings after a day, up to another, replaced the balance sheets before.

    Total assets of a day and equity (liabilities where no equity is filed) differ by more than
    10 % then. An error moves one of them, or less. A day whose amounts were last filed before
    `after` does not tell when they were replaced.
    """
    if after >= until:
        return False
    ends = {
        fact.end
        for spans in _series(company, "assets")
        for fact in spans.restated
        if fact.superseded is not None and fact.superseded.filed >= after and fact.filed <= until
    }
    return any(_is_replaced(company, end, after, until) for end in ends)


def _is_replaced(company: CompanyFacts, end: date, after: date, until: date) -> bool:
    """Return whether total assets and equity of a day were replaced by quite other amounts."""

    def changes(name: str) -> list[_Change]:
        return [*_changes(_series(company, name), end, end, after, until, or_first=True)]

    found = [*changes("assets"), *(changes("equity") or changes("liabilities"))]
    return all(change.is_material for change in found)


def _series(company: CompanyFacts, name: str) -> list[FactsByPeriod]:
    return [company[tag] for tag in concepts()[name] if tag in company]


def _changes(
    series: Iterable[FactsByPeriod],
    start: date,
    end: date,
    after: date,
    until: date,
    *,
    or_first: bool = False,
) -> Iterator[_Change]:
    """Yield a period's amounts as filed by two days, of each tag that was filed by both.

    Args:
        series: The tags.
        start: The first day of the period.
        end: The last day.
        after: The first day.
        until: The second day.
        or_first: Whether the first amount counts where none was filed by the first day.
    """
    for spans in series:
        new = spans.get(end, {}).get(start)
        while new is not None and new.value_known_since > until:
            new = new.superseded
        old = new
        while old is not None and old.value_known_since > after:
            if or_first and old.superseded is None:
                break
            old = old.superseded
        if new is not None and old is not None and new.filed > after:
            yield _Change(old.value, new.value)


def _moved_usd(restated: Fact) -> float:
    assert restated.superseded is not None
    return abs(restated.value - restated.superseded.value)


def _has_new_basis(fact: Fact, restated: Fact, most: float, spans: FactsByPeriod) -> bool:
    """Return whether a fact filed before a restatement has its basis all the same.

    It may if it was first filed after the old amount was last filed. It does if the basis changed
    by then: the company or another period was restated. It also does if the restatement corrects
    an error and left the balance sheet on the fact's last day as it was.
    """
    assert restated.superseded is not None
    old_filed = restated.superseded.filed
    if old_filed >= fact.value_known_since:
        return False
    if has_new_company(spans.company, old_filed, fact.filed):
        return True
    if any(
        old_filed < other.filed <= fact.filed and _moved_usd(other) > most
        for other in spans.restated
    ):
        return True
    return _is_correction(restated, spans.company) and _keeps_balance_sheet(
        fact, restated, spans.company
    )


def _is_correction(restated: Fact, company: CompanyFacts) -> bool:
    """Return whether net income of the period was restated as well."""
    assert restated.superseded is not None
    series = _series(company, "net_income")
    old_filed = restated.superseded.filed
    return any(
        abs(change.new - change.old) >= MIN_INCOME_SHARE * _moved_usd(restated)
        for change in _changes(series, restated.start, restated.end, old_filed, restated.filed)
    )


def _keeps_balance_sheet(fact: Fact, restated: Fact, company: CompanyFacts) -> bool:
    """Return whether the balance sheet on a fact's last day was filed again, and unchanged."""
    series = [spans for name in BALANCE_SHEET for spans in _series(company, name)]
    changes = [*_changes(series, fact.end, fact.end, fact.filed, restated.filed)]
    return bool(changes) and all(change.is_rounding for change in changes)
