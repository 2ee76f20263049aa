"""Start of a successor: a company after bankruptcy (fresh start) or a purchase of the whole."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from functools import cache

from expectations.rules.filing_scale import FiledFact
from tasks.derive.xbrl.concepts import concepts

INCOME_CONCEPTS = ("net_income", "pretax_income", "operating_income", "revenue")
# a calendar year less a week, as years of 52 weeks end
MAX_DRIFT = timedelta(days=7)
MAX_YEAR = timedelta(days=380)


@cache
def _income_tags() -> frozenset[str]:
    return frozenset(tag for name in INCOME_CONCEPTS for tag in concepts()[name])


def successor_starts(filing: Iterable[FiledFact], year_ends: Collection[date]) -> set[date]:
    """Return the days on which a successor begins, by the income statements of a report.

    The report states the year to a day and from the next day to its period end, and does not
    state the year to its period end: predecessor and successor are never added.

    Args:
        filing: The facts of a report.
        year_ends: Ends of the fiscal years known.
    """
    tags = _income_tags()
    periods = {(fact.start, fact.end) for fact in filing if fact.tag in tags}
    last = max((end for _, end in periods), default=None)
    found = set[date]()
    for first, until in periods:
        start = until + timedelta(days=1)
        if last is None or (start, last) not in periods or last - first > MAX_YEAR:
            continue
        is_whole = any(end == last and abs(day - first) <= MAX_DRIFT for day, end in periods)
        if not is_whole and any(timedelta() < first - end <= MAX_DRIFT for end in year_ends):
            found.add(start)
    return found
