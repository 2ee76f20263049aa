"""Find filings whose amounts are a thousand or a million times (or a part) of those filed before.

Such a filing was tagged in thousands, or scaled twice. Its own comparatives show it: they differ
by that factor from what was filed before for the same days. Without a common day, all its amounts
are compared with the last ones of the same tag.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from math import log10
from typing import Protocol

from expectations.rules.filing_forms import AMENDMENT

# powers of ten by which filings are off
POWERS = (3, 6, -3, -6)
# Same day: a factor of 1.12, since amounts in thousands are rounded (5,660 becomes 6).
SAME_DAY_TOLERANCE = 0.05
# Another day: a factor of 2 for at least 80 % of three tags or more, of 1.3 for two.
OTHER_DAY_TOLERANCE, TWO_TAGS_TOLERANCE = 0.3, 0.114
MIN_SHARE = 0.8
# an amount of more than two years ago says nothing about the scale of today's
MAX_AGE_DAYS = 740
# periods whose lengths differ by less are compared
LENGTH_TOLERANCE_DAYS = 20
# a year of reports is enough to say which scale is right
MAX_VOTES = 4

Period = tuple[str, date, date]


class FiledFact(Protocol):
    """One amount in USD of one filing."""

    @property
    def tag(self) -> str:
        """The XBRL tag."""

    @property
    def start(self) -> date:
        """The first day of the period."""

    @property
    def end(self) -> date:
        """The last day of the period."""

    @property
    def value(self) -> float:
        """The amount."""

    @property
    def accession(self) -> str:
        """The accession number of the filing."""

    @property
    def form(self) -> str:
        """The form of the filing."""

    @property
    def filed(self) -> date:
        """The filing date."""

    @property
    def known_from(self) -> date:
        """The first day on which the filing is known."""


@dataclass(frozen=True, slots=True)
class Disbelief:
    """The filings of a company that are not believed from a day on.

    Attributes:
        known_from: The day.
        powers: Accession number to the power of ten by which its amounts are off.
    """

    known_from: date
    powers: Mapping[str, int]


@dataclass(slots=True)
class _Scale:
    """The filings that agree on a scale: their newest amounts by period."""

    filings: list[str] = field(default_factory=list)
    amounts: dict[Period, float] = field(default_factory=dict)
    newest: dict[str, list[Period]] = field(default_factory=dict)

    def add(self, accession: str, amounts: Mapping[Period, float]) -> None:
        self.filings.append(accession)
        for period, value in amounts.items():
            if period not in self.amounts:
                self.newest.setdefault(period[0], []).append(period)
            self.amounts[period] = value

    @property
    def votes(self) -> int:
        return min(len(self.filings), MAX_VOTES)


def find_unbelieved_filings(facts: Iterable[FiledFact]) -> list[Disbelief]:
    """Return the filings that are not believed, at each day on which they change.

    A filing is judged by the filings before it alone. It is not believed until more filings have
    its scale than the earlier one, or as many where an amendment corrects the only one.

    Args:
        facts: Amounts in USD of one company.
    """
    steps: list[Disbelief] = []
    scale, rival, power = _Scale(), _Scale(), 0
    powers: dict[str, int] = {}
    for form, known_from, accession, amounts in _filings(facts):
        found = _power_between(amounts, scale)
        if found is None and rival.filings and _power_between(amounts, rival) == 0:
            found = power
        if not found:
            scale.add(accession, amounts)
            # rivals in a row count, not those of many years
            rival = _Scale()
            continue
        if found != power:
            rival, power = _Scale(), found
        rival.add(accession, amounts)
        powers = {**powers, accession: found}
        is_correction = form.endswith(AMENDMENT) and rival.votes == scale.votes
        if rival.votes > scale.votes or len(rival.filings) > MAX_VOTES or is_correction:
            powers = {each: off for each, off in powers.items() if each not in rival.filings}
            powers |= dict.fromkeys(scale.filings, -found)
            scale, rival, power = rival, _Scale(), 0
        steps.append(Disbelief(known_from, powers))
    return steps


def _filings(
    facts: Iterable[FiledFact],
) -> Iterator[tuple[str, date, str, dict[Period, float]]]:
    """Yield form, first day known, accession number and amounts of each filing, in order."""

    def order(fact: FiledFact) -> tuple[date, date, str]:
        return fact.known_from, fact.filed, fact.accession

    for (known_from, _, accession), group in groupby(sorted(facts, key=order), key=order):
        filed = list(group)
        amounts = {(each.tag, each.start, each.end): each.value for each in filed if each.value}
        if amounts:
            yield filed[0].form, known_from, accession, amounts


def _power_between(amounts: Mapping[Period, float], scale: _Scale) -> int | None:
    """Return the power of ten by which a filing is off; None where nothing can be compared."""
    common = [
        log10(abs(value / scale.amounts[period]))
        for period, value in amounts.items()
        if period in scale.amounts
    ]
    if common:
        return _common_power(common, SAME_DAY_TOLERANCE, 0.5)
    jumps = [*_jumps(amounts, scale)]
    if len(jumps) < 2:
        return None
    tolerance = OTHER_DAY_TOLERANCE if len(jumps) > 2 else TWO_TAGS_TOLERANCE
    return _common_power(jumps, tolerance, MIN_SHARE)


def _common_power(logarithms: Sequence[float], tolerance: float, min_share: float) -> int:
    """Return the power that more than a share of the ratios have, else 0."""
    for power in POWERS:
        count = sum(abs(each - power) <= tolerance for each in logarithms)
        if count > min_share * len(logarithms) or count == len(logarithms):
            return power
    return 0


def _jumps(amounts: Mapping[Period, float], scale: _Scale) -> Iterator[float]:
    """Yield per tag the ratio of its newest amount to the last one of a period as long."""
    newest: dict[str, Period] = {}
    for period in amounts:
        if period[0] not in newest or period[2] > newest[period[0]][2]:
            newest[period[0]] = period
    for tag, (_, start, end) in newest.items():
        before = [
            period
            for period in scale.newest.get(tag, ())
            if abs((period[2] - period[1]) - (end - start)).days <= LENGTH_TOLERANCE_DAYS
            and 0 <= (end - period[2]).days <= MAX_AGE_DAYS
        ]
        if before:
            last = max(before, key=lambda period: period[2])
            yield log10(abs(amounts[tag, start, end] / scale.amounts[last]))
