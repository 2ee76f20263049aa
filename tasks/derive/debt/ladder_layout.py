"""Layouts of maturity ladders: the period of `year_1`, and whether all buckets are filed."""

from collections.abc import Collection, Mapping
from datetime import date

from tasks.derive.xbrl.facts import Fact

# filings from this day on follow the newer definitions of the tags
TAXONOMY_CHANGE_DATE = date(2020, 7, 1)
# principal repeats in the next report unless repaid; rounding and issuance costs change it a little
MATCH_TOLERANCE, MIN_MATCHES = 0.02, 2


def interim_layout(
    buckets: Mapping[str, Fact], annual: Mapping[str, Fact], is_rolling_filer: bool
) -> str:
    """Return the layout of a quarterly ladder; a rolling filer stays so unless years match.

    A complete ladder (year_1 to after_5) starts the day after period_end: either year_1 is the rest
    of the fiscal year, or the buckets are rolling twelve-month windows.
    """
    has_rest, has_first = "remainder" in buckets, "year_1" in buckets
    if has_rest and has_first:
        return "next_year"
    is_whole = has_first and "after_5" in buckets
    same, moved = _distance(buckets, annual, 0), _distance(buckets, annual, 1)
    matches = max(_matches(buckets, annual, 0), _matches(buckets, annual, 1))
    if is_whole and matches < MIN_MATCHES and is_rolling_filer:
        return "rolling"
    shows = matches >= MIN_MATCHES or not is_whole or "year_1" not in annual
    if shows and same is not None and moved is not None and same != moved:
        return "current_year" if same < moved else "next_year"
    if has_rest:
        return "current_year"
    if is_whole and "year_1" in annual:
        # the rest of a fiscal year is less than the annual ladder's first year
        is_less = buckets["year_1"].value < annual["year_1"].value
        return "current_year" if is_less else "rolling"
    newest = max(fact.filed for fact in buckets.values())
    if newest < TAXONOMY_CHANGE_DATE:
        return "current_year"
    return "rolling" if is_whole else "next_year"


def _matches(buckets: Mapping[str, Fact], annual: Mapping[str, Fact], move: int) -> int:
    """Count the years whose amounts match those of the annual ladder, `move` years later."""
    pairs = ((buckets.get(f"year_{n}"), annual.get(f"year_{n + move}")) for n in range(1, 6))
    return sum(
        abs(here.value - there.value) <= MATCH_TOLERANCE * max(abs(here.value), abs(there.value))
        for here, there in pairs
        if here is not None and there is not None
    )


def _distance(buckets: Mapping[str, Fact], annual: Mapping[str, Fact], move: int) -> float | None:
    """Return the mean difference in USD from the annual ladder's years, `move` years later."""
    off = []
    for number in (2, 3, 4):
        here, there = f"year_{number}", f"year_{number + move}"
        if here in buckets and there in annual:
            off.append(abs(buckets[here].value - annual[there].value))
    return sum(off) / len(off) if off else None


def is_partial_ladder(layout: str, buckets: Collection[str]) -> bool:
    """Return whether a bucket of the layout has no fact."""
    years = {f"year_{n}" for n in (2, 3, 4, 5)}
    if layout in ("annual", "rolling"):
        return not {*years, "year_1", "after_5"} <= set(buckets)
    if layout == "current_year":
        return not ({*years, "after_5"} <= set(buckets) and {"remainder", "year_1"} & set(buckets))
    needed = {"remainder", "year_1", *(years - {"year_5"})}
    return not (
        needed <= set(buckets)
        and ({"after_4"} & set(buckets) or ({"year_5", "after_5"} <= set(buckets)))
    )
