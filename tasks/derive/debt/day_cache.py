"""Results computed from the debt of one day alone, kept until a fact of it arrives."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from tasks.derive.xbrl.facts import PointInTimeFacts

Result = TypeVar("Result")


def cached_by_balance_date(
    compute: Callable[[PointInTimeFacts, date], Result],
) -> Callable[[PointInTimeFacts, date], Result]:
    """Keep the results of a function that reads debt and balance sheet of its day, no others."""
    name = compute.__name__

    def cached(known: PointInTimeFacts, day: date) -> Result:
        results = known.cache.setdefault(day, {})
        if name not in results:
            results[name] = compute(known, day)
        found: Result = results[name]
        return found

    return cached
