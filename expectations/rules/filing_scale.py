"""Find filings whose amounts are a thousand or a million times (or a part) of those filed before.

Such a filing was tagged in thousands, or scaled twice. Its own comparatives show it: they differ
by that factor from what was filed before for the same days. Without a common day, all its amounts
are compared with the last ones of the same tag.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import log10
from statistics import median
from typing import Protocol

from expectations.rules.filing_forms import AMENDMENT

# powers of ten by which filings are off; 0: of the same scale
POWERS = (0, 3, 6, -3, -6)
# Same day: a factor of 1.12, since amounts in thousands are rounded (5,660 becomes 6).
SAME_DAY_TOLERANCE = 0.05
# Another day: a factor of 3 for at least 80 % of three tags or more, and of 1.6 for their median;
# of 1.3 for two tags. A merger into a shell multiplies each amount by another factor.
JUMP_TOLERANCE, MEDIAN_TOLERANCE, TWO_TAGS_TOLERANCE = 0.5, 0.2, 0.114
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


Amounts = Mapping[Period, float]


class _Scale:
    """The filings that agree on a scale: their newest amounts by period."""

    def __init__(self, filings: Mapping[str, Amounts]) -> None:
        self.filings: dict[str, Amounts] = {}
        self.amounts: dict[Period, float] = {}
        self.origin: dict[Period, str] = {}
        self.periods: dict[str, list[Period]] = {}
        # the filings up to the last that was compared with none before
        self.linked: list[str] = []
        for accession, amounts in filings.items():
            self.add(accession, amounts)

    def add(self, accession: str, amounts: Amounts, *, is_linked: bool = True) -> None:
        self.filings[accession] = amounts
        self.linked = [*(self.linked if is_linked else ()), accession]
        for period, value in amounts.items():
            if period not in self.amounts:
                self.periods.setdefault(period[0], []).append(period)
            self.amounts[period], self.origin[period] = value, accession

    def contradicted(self, amounts: Amounts) -> set[str]:
        """Return the filings that stated the periods of other amounts last."""
        return {self.origin[period] for period in amounts if period in self.origin}

    def without(self, accessions: set[str]) -> "_Scale":
        return _Scale(
            {each: amounts for each, amounts in self.filings.items() if each not in accessions}
        )

    @property
    def votes(self) -> int:
        return min(len(self.linked), MAX_VOTES)


def find_unbelieved_filings(facts: Iterable[FiledFact]) -> list[Disbelief]:
    """Return the filings that are not believed, at each day on which they change.

    A filing is judged by the filings before it alone. One of another scale is not believed until
    more filings have its scale than that of the filings before, or as many where an amendment
    corrects the only one. It is at once where the filings before those that it contradicts have
    its scale. Filings that could be compared with none before begin a scale of their own.

    Args:
        facts: Amounts in USD of one company.
    """
    steps: list[Disbelief] = []
    scale, rival, power = _Scale({}), _Scale({}), 0
    powers: dict[str, int] = {}
    for form, known_from, accession, amounts in _filings(facts):
        found = _power_between(amounts, scale)
        if found is None and rival.filings and _power_between(amounts, rival) == 0:
            found = power
        if not found:
            scale.add(accession, amounts, is_linked=found == 0)
            # rivals in a row count, not those of many years
            rival = _Scale({})
            continue
        contradicted = scale.contradicted(amounts)
        others = scale.without(contradicted)
        if contradicted and _power_between(amounts, others) == 0:
            # the last filing was of the wrong scale, and had no day in common with those before
            powers = {**powers, **dict.fromkeys(contradicted, -found)}
            scale, rival = others, _Scale({})
            scale.add(accession, amounts)
            steps.append(Disbelief(known_from, powers))
            continue
        if found != power:
            rival, power = _Scale({}), found
        rival.add(accession, amounts)
        powers = {**powers, accession: found}
        is_correction = form.endswith(AMENDMENT) and rival.votes == scale.votes
        if rival.votes > scale.votes or len(rival.filings) > MAX_VOTES or is_correction:
            powers = {each: off for each, off in powers.items() if each not in rival.filings}
            powers |= dict.fromkeys(scale.linked, -found)
            before = scale.without({*scale.linked})
            scale = _Scale({**before.filings, **rival.filings})
            scale.linked, rival, power = [*rival.filings], _Scale({}), 0
        steps.append(Disbelief(known_from, powers))
    return steps


def _filings(
    facts: Iterable[FiledFact],
) -> Iterator[tuple[str, date, str, dict[Period, float]]]:
    """Yield form, first day known, accession number and amounts of each filing, in order."""
    filings: dict[tuple[date, date, str], list[FiledFact]] = {}
    for fact in facts:
        filings.setdefault((fact.known_from, fact.filed, fact.accession), []).append(fact)
    for order in sorted(filings):
        (known_from, _, accession), group = order, filings[order]
        amounts = {(each.tag, each.start, each.end): each.value for each in group if each.value}
        if amounts:
            yield group[0].form, known_from, accession, amounts


def _power_between(amounts: Amounts, scale: _Scale) -> int | None:
    """Return the power of ten by which a filing is off; None where none is evident."""
    common = [
        log10(abs(value / scale.amounts[period]))
        for period, value in amounts.items()
        if period in scale.amounts
    ]
    if common:
        return _common_power(common)
    jumps = [*_jumps(amounts, scale)]
    return _jump_power(jumps) if len(jumps) > 1 else None


def _common_power(logarithms: Sequence[float]) -> int | None:
    """Return the power that more than half of the ratios have."""
    for power in POWERS:
        count = sum(abs(each - power) <= SAME_DAY_TOLERANCE for each in logarithms)
        if count > len(logarithms) / 2:
            return power
    return None


def _jump_power(jumps: Sequence[float]) -> int | None:
    """Return the power by which the amounts jump alike."""
    most = TWO_TAGS_TOLERANCE if len(jumps) == 2 else JUMP_TOLERANCE
    for power in POWERS:
        count = sum(abs(each - power) <= most for each in jumps)
        is_alike = len(jumps) == 2 or abs(median(jumps) - power) <= MEDIAN_TOLERANCE
        if count >= MIN_SHARE * len(jumps) and is_alike:
            return power
    return None


def _jumps(amounts: Amounts, scale: _Scale) -> Iterator[float]:
    """Yield per tag the ratio of its newest amount to the last one of a period as long."""
    newest: dict[str, Period] = {}
    for period in amounts:
        if period[0] not in newest or period[2] > newest[period[0]][2]:
            newest[period[0]] = period
    for tag, (_, start, end) in newest.items():
        before = [
            period
            for period in scale.periods.get(tag, ())
            if abs((period[2] - period[1]) - (end - start)).days <= LENGTH_TOLERANCE_DAYS
            and 0 <= (end - period[2]).days <= MAX_AGE_DAYS
        ]
        if before:
            last = max(before, key=lambda period: period[2])
            yield log10(abs(amounts[tag, start, end] / scale.amounts[last]))
