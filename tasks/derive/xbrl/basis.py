"""Whether facts of several filings may be added: one company's, all before or after a restatement.

After a reverse merger the comparatives are those of the acquirer: assets and equity differ from
those that the shell filed. A restatement changes some periods; a year filed between the
old and the new amounts of a part may have either basis, and the filings decide which.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tasks.derive.xbrl.concepts import concepts
from tasks.derive.xbrl.facts import (
    FISCAL_QUARTER_DAYS,
    ROUNDING_TOLERANCE,
    Fact,
    FactsByPeriod,
)

Company = Mapping[str, FactsByPeriod]

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
    last_filed = max(fact.filed for fact in facts)
    first = min(fact.start for fact in facts) - MAX_DISTANCE
    most = RESTATEMENT_TOLERANCE * max(abs(fact.value) for fact in facts)
    restatements = [
        (restated, spans)
        for spans in series
        for restated in spans.restated
        if restated.end >= first and _moved_usd(restated) > most
    ]
    return not any(
        has_new_company(series[0].company, fact.filed, last_filed)
        or any(
            _has_moved(restated, spans, fact.filed, last_filed, most)
            and not _has_new_basis(fact, restated, most, spans)
            for restated, spans in restatements
        )
        for fact in facts
    )


def _has_moved(restated: Fact, spans: FactsByPeriod, after: date, until: date, most: float) -> bool:
    """Return whether a restated amount was another on a day, or at first, and still is."""
    if not after < restated.filed <= until:
        return False
    old = new = _as_filed_by(spans[restated.end][restated.start], until)
    while old is not None and old.value_known_since > after and old.superseded is not None:
        old = old.superseded
    return new is not None and old is not None and abs(new.value - old.value) > most


def is_one_company(facts: Iterable[Fact], company: Company) -> bool:
    """Return whether no fact is of a company that a later one replaced in a merger."""
    days = sorted({fact.filed for fact in facts})
    return not days or not has_new_company(company, days[0], days[-1])


def has_new_company(company: Company, after: date, until: date) -> bool:
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


def _is_replaced(company: Company, end: date, after: date, until: date) -> bool:
    for name in ("equity", "liabilities"):
        others = [*_changes(_series(company, name), end, end, after, until)]
        if others:
            break
    assets = [*_changes(_series(company, "assets"), end, end, after, until)]
    return bool(assets) and all(change.is_material for change in (*assets, *others))


def _series(company: Company, name: str) -> list[FactsByPeriod]:
    return [company[tag] for tag in concepts()[name] if tag in company]


def _changes(
    series: Iterable[FactsByPeriod], start: date, end: date, after: date, until: date
) -> Iterable[_Change]:
    """Yield a period's amounts as filed by two days, of each tag that was filed by both."""
    for spans in series:
        fact = spans.get(end, {}).get(start)
        new = _as_filed_by(fact, until)
        old = _as_filed_by(fact, after)
        if new is not None and old is not None and new.filed > after:
            yield _Change(old.value, new.value)


def _as_filed_by(fact: Fact | None, day: date) -> Fact | None:
    """Return what a fact's period and tag had as the newest value filed by a day."""
    while fact is not None and fact.value_known_since > day:
        fact = fact.superseded
    return fact


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


def _is_correction(restated: Fact, company: Company) -> bool:
    """Return whether net income of the period was restated as well."""
    assert restated.superseded is not None
    series = _series(company, "net_income")
    old_filed = restated.superseded.filed
    return any(
        abs(change.new - change.old) >= MIN_INCOME_SHARE * _moved_usd(restated)
        for change in _changes(series, restated.start, restated.end, old_filed, restated.filed)
    )


def _keeps_balance_sheet(fact: Fact, restated: Fact, company: Company) -> bool:
    """Return whether the balance sheet on a fact's last day was filed again, and unchanged."""
    series = [spans for name in BALANCE_SHEET for spans in _series(company, name)]
    changes = [*_changes(series, fact.end, fact.end, fact.filed, restated.filed)]
    return bool(changes) and all(change.is_rounding for change in changes)
