"""Total debt on one day, how it was found and how sure it is."""

from dataclasses import dataclass
from enum import Enum

from tasks.derive.xbrl.facts import Fact


class Confidence(Enum):
    """How sure total debt is.

    Attributes:
        SURE: Both lines of the balance sheet, or two figures that agree.
        LIKELY: One figure alone, or the likeliest of several readings.
        LOWER_BOUND: At least this much: other debt may be filed beside it.
    """

    SURE = "sure"
    LIKELY = "likely"
    LOWER_BOUND = "lower_bound"


@dataclass(frozen=True, slots=True)
class Debt:
    """Total debt on one day.

    Attributes:
        value: USD.
        method: The text of `total_debt_basis`.
        facts: The facts that it is made of.
        is_lower_bound: Other instruments are filed that it may not include.
        is_contradicted: A figure that was filed does not fit to it.
        is_confirmed: Both lines were filed, or another figure agrees.
    """

    value: float
    method: str
    facts: tuple[Fact, ...]
    is_lower_bound: bool = False
    is_contradicted: bool = False
    is_confirmed: bool = False

    @property
    def accessions(self) -> tuple[str, ...]:
        """The filings that it is made of, in order."""
        return tuple(sorted({fact.accession for fact in self.facts}))

    @property
    def confidence(self) -> Confidence:
        """How sure it is."""
        if self.is_lower_bound:
            return Confidence.LOWER_BOUND
        is_sure = self.is_confirmed and not self.is_contradicted
        return Confidence.SURE if is_sure else Confidence.LIKELY
