"""Layouts of maturity ladders: the period of `year_1`, and whether all buckets are filed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tasks.derive.debt.ladder_agreement import (
    Agreement,
    DatedBuckets,
    compare_ladders,
    is_match,
)

# filings from this day on follow the newer definitions of the tags
TAXONOMY_CHANGE_DATE = date(2020, 7, 1)
MIN_MATCHES = 2
# digits of agreement by which a layout is ahead that leaves no days out, or is the tags' definition
COMPLETE_LEAD, DEFINITION_LEAD = 0.5, 0.25
# the current portion is carried net of issuance costs: a first year further below it is a rest
REST_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class InterimLadder:
    """What is known of a quarterly ladder when its layout is chosen.

    Attributes:
        family: fiscal, rolling or with_leases.
        amounts: Bucket to USD.
        has_rest: The filing states the rest of the fiscal year for the day, in any family.
        filed: The day of the filing.
        date_buckets: Returns the dated buckets under a layout.
        annual: The last annual ladder.
        earlier: Earlier ladders to compare with: the last annual one and the last of all.
        current_portion: The part of long-term debt due within twelve months, in the same filing.
        is_rolling_filer: An earlier ladder of the family was rolling.
    """

    family: str
    amounts: Mapping[str, float]
    has_rest: bool
    filed: date
    date_buckets: Callable[[str], DatedBuckets]
    annual: DatedBuckets
    earlier: Sequence[DatedBuckets]
    current_portion: float | None
    is_rolling_filer: bool

    @property
    def starts_with_portion(self) -> bool:
        """Whether the first year is the current portion: what is due within twelve months."""
        portion = self.current_portion or 0.0
        return portion > 0 and is_match(self.amounts["year_1"], portion)

    @property
    def starts_with_rest(self) -> bool:
        """Whether the first year is too little to be all that is due within twelve months."""
        return 0 < self.amounts["year_1"] < REST_SHARE * (self.current_portion or 0.0)

    def agreement(self, layout: str) -> Agreement:
        """Return the best agreement with an earlier ladder under a layout."""
        dated = self.date_buckets(layout)
        found = [compare_ladders(dated, each) for each in self.earlier]
        return max(found, key=lambda each: (each.digits, each.matches), default=Agreement())


def interim_layout(ladder: InterimLadder) -> str:
    """Return the layout of a quarterly ladder.

    By the agreement of its buckets with earlier ladders; where these say little, by the days that
    a layout would leave out, and by the definitions of the tags at the time.
    """
    amounts, has_rest, has_first = ladder.amounts, ladder.has_rest, "year_1" in ladder.amounts
    if [*amounts] == ["year_1"]:
        # a line on its own is what the tag's name says: the next twelve months
        return "rolling"
    if has_rest and has_first:
        return "next_year"
    if has_rest and ladder.is_rolling_filer and "after_5" in amounts:
        # the first twelve months under the tag of the rest (Douglas Emmett, 2015)
        exact = ladder.agreement("current_year").exact
        return "current_year" if exact >= MIN_MATCHES else "rolling"
    if ladder.family == "rolling" and not has_rest:
        return _layout_of_rolling_tags(ladder)
    if has_first and "after_5" in amounts:
        return _layout_from_the_next_day(ladder)
    lead = COMPLETE_LEAD if has_rest else 0.0
    lead += DEFINITION_LEAD if ladder.filed < TAXONOMY_CHANGE_DATE else -DEFINITION_LEAD
    current, following = ladder.agreement("current_year"), ladder.agreement("next_year")
    if has_first and max(current.digits, following.digits) < 1 and ladder.starts_with_portion:
        return "rolling"
    return "current_year" if current.digits + lead > following.digits else "next_year"


def _layout_of_rolling_tags(ladder: InterimLadder) -> str:
    """Return rolling, as the tags are named, or the layout of a filer that counts fiscal years.

    Then the first bucket is the rest of the year and gets less by what falls due meanwhile, while
    the years after it repeat.
    """
    current = ladder.agreement("current_year")
    first = ladder.amounts.get("year_1")
    if first is None:
        return "current_year" if current.exact >= MIN_MATCHES else "rolling"
    before = min((each["year_1"][0] for each in ladder.earlier if "year_1" in each), default=first)
    is_less = first < before and not is_match(first, before)
    repeats = _repeats(current) and is_less and not ladder.starts_with_portion
    return "current_year" if repeats or ladder.starts_with_rest else "rolling"


def _layout_from_the_next_day(ladder: InterimLadder) -> str:
    """Return the layout of a ladder of fiscal tags that begins the day after its period end.

    Its first bucket is the rest of the fiscal year, or the next twelve months.
    """
    current, following = ladder.agreement("current_year"), ladder.agreement("next_year")
    if _repeats(current) and not (ladder.starts_with_portion and _is_even(ladder.amounts)):
        return "current_year"
    if ladder.is_rolling_filer or ladder.starts_with_portion:
        return "rolling"
    if ladder.starts_with_rest:
        return "current_year"
    if "year_1" in ladder.annual:
        # the rest of a fiscal year is less than the annual ladder's first year
        is_less = ladder.amounts["year_1"] < ladder.annual["year_1"][0]
        return "current_year" if is_less and current.digits >= following.digits else "rolling"
    return "current_year" if ladder.filed < TAXONOMY_CHANGE_DATE else "rolling"


def _repeats(agreement: Agreement) -> bool:
    return agreement.matches >= MIN_MATCHES and agreement.digits >= 1


def _is_even(amounts: Mapping[str, float]) -> bool:
    """Return whether the second year is about as large as the first: payments by instalments."""
    first, second = amounts["year_1"], amounts.get("year_2", 0.0)
    return is_match(first, second, 0.2)


def is_a_year_later(
    annual: DatedBuckets, later: DatedBuckets, earlier: Sequence[DatedBuckets]
) -> bool:
    """Return whether an annual ladder skips the next year: `year_1` is the year after it.

    Two amounts of earlier ladders must repeat a year later, and none in the year itself.
    """
    is_moved = any(compare_ladders(later, each).exact >= MIN_MATCHES for each in earlier)
    return is_moved and not any(compare_ladders(annual, each).exact for each in earlier)


def is_partial_ladder(layout: str, buckets: Collection[str]) -> bool:
    """Return whether a bucket of the layout has no fact."""
    years = {f"year_{n}" for n in (2, 3, 4, 5)}
    if layout in ("annual", "rolling", "current_year"):
        return not ({*years, "after_5"} <= set(buckets) and {"remainder", "year_1"} & set(buckets))
    needed = {"remainder", "year_1", *(years - {"year_5"})}
    return not (
        needed <= set(buckets)
        and ({"after_4"} & set(buckets) or ({"year_5", "after_5"} <= set(buckets)))
    )
