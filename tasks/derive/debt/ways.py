"""The ways to add up total debt, as ordered tables: the first that applies is used.

Nothing is counted twice: where one line may include another, only one of the two is a part.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tasks.derive.debt.components import (
    CARRYING_TOLERANCE,
    TOLERANCE,
    current_debt,
    drop_same_debt,
    is_close,
    other_short_term_debt,
    short_term_debt_excluding_notes,
    sum_values,
)
from tasks.derive.debt.lines import DebtLines, filed, is_above
from tasks.derive.debt.long_term_total import Reading, ladder_first_year
from tasks.derive.debt.total_and_lines import (
    are_notes_unclear,
    includes_notes,
    is_total_above_lines,
    is_total_beside_lines,
    line_facts,
    short_term_and_notes,
    value_of,
)
from tasks.derive.xbrl.facts import Fact


def _always(_: DebtLines) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Way:
    """One way to add up total debt.

    Attributes:
        basis: The text of `total_debt_basis`.
        needs: Fields of `DebtLines` that must be filed.
        parts: The facts that are added.
        when: A further condition.
        value: USD, where it is not the sum of the parts.
        is_lower_bound: Other debt may be filed by segment only.
    """

    basis: str
    needs: tuple[str, ...]
    parts: Callable[[DebtLines], Iterable[Fact]]
    when: Callable[[DebtLines], bool] = _always
    value: Callable[[DebtLines], float] | None = None
    is_lower_bound: bool = False

    def applies(self, lines: DebtLines) -> bool:
        """Return whether the lines needed are filed and the condition is met."""
        return all(getattr(lines, name) for name in self.needs) and self.when(lines)


def applicable_ways(ways: Sequence[Way], lines: DebtLines) -> Iterator[Way]:
    """Yield the ways that apply, in their order."""
    return (way for way in ways if way.applies(lines))


def _other_current(lines: DebtLines, current_portion: float) -> list[Fact]:
    return other_short_term_debt(lines.known, lines.day, current_portion)


def _borrowings_beside_portion(lines: DebtLines) -> list[Fact]:
    """Return short-term borrowings that all current debt or the portion do not include."""
    return [] if lines.current else _other_current(lines, value_of(lines.portion))


def _implied_portion(lines: DebtLines) -> float:
    """The current portion as total long-term debt less noncurrent debt."""
    return value_of(lines.total) - value_of(lines.noncurrent)


def _noncurrent_with(lines: DebtLines, current: Fact | None) -> list[Fact]:
    """Noncurrent debt and a current line; a later report may have reclassified all as current."""
    line = lines.noncurrent
    if line is None or current is None or current.value_known_since <= line.filed:
        return filed(line, current)
    before, previous = [0.0], current.superseded
    while previous is not None:
        before.append(previous.value)
        previous = previous.superseded
    is_reclassified = any(is_close(each + line.value, current.value) for each in before)
    return [current] if is_reclassified else [line, current]


def _current_below_borrowings(lines: DebtLines) -> bool:
    """All current debt below short-term borrowings is the current portion alone."""
    return sum_values(lines.borrowings) > value_of(lines.current) * (1 + TOLERANCE)


def _total_above_noncurrent(lines: DebtLines) -> bool:
    return is_above(lines.total, lines.noncurrent)


def _total_includes_borrowings(lines: DebtLines) -> bool:
    """Whether short-term borrowings fit into the current portion that the total implies."""
    loans = lines.known.instant("debt_short_term", lines.day)
    most = _implied_portion(lines) + TOLERANCE * value_of(lines.total)
    return _total_above_noncurrent(lines) and loans is not None and loans.value <= most


def _total_plus_other_current(lines: DebtLines) -> float:
    more = value_of(lines.current) - value_of(lines.portion)
    return sum((value_of(lines.total), max(more, 0.0)))


def _is_total_unclear(lines: DebtLines) -> bool:
    """Whether all current debt may be part of the total, or beside it."""
    if lines.noncurrent or lines.portion:
        return False
    if lines.long_term is Reading.TOTAL_BESIDE_CURRENT:
        return ladder_first_year(lines.known, lines.day) is None
    return lines.long_term is Reading.UNKNOWN


def _total_plus_other_than_first_year(lines: DebtLines) -> float:
    """The total and the current debt above what the schedule has due in the first year."""
    first = ladder_first_year(lines.known, lines.day)
    more = 0.0 if first is None else value_of(lines.current) - first
    is_other = first is not None and more > CARRYING_TOLERANCE * first
    return value_of(lines.total) + (more if is_other else 0.0)


def _notes_fit_into_implied(lines: DebtLines) -> bool:
    return sum_values(lines.instruments_current) <= _implied_portion(lines) * (1 + TOLERANCE)


def _current_lines(lines: DebtLines) -> list[Fact]:
    return current_debt(lines.known, lines.day)


WITH_PORTION = "long-term debt with its current portion"
NONCURRENT_AND_PORTION = "noncurrent + current portion"

# Ways that start from a total or from lines of the balance sheet.
LINE_WAYS = (
    Way(
        "noncurrent + current, and long-term debt beside them",
        needs=("total", "noncurrent"),
        when=is_total_beside_lines,
        parts=lambda x: [*filed(x.total), *line_facts(x), *_borrowings_beside_portion(x)],
    ),
    Way(
        "long-term debt, above its lines",
        needs=("total", "noncurrent"),
        when=is_total_above_lines,
        parts=lambda x: filed(x.total),
        is_lower_bound=True,
    ),
    Way(
        NONCURRENT_AND_PORTION,
        needs=("noncurrent", "current"),
        when=_current_below_borrowings,
        parts=lambda x: [*_noncurrent_with(x, x.current), *x.borrowings],
    ),
    Way(
        "noncurrent + all current",
        needs=("noncurrent", "current"),
        parts=lambda x: _noncurrent_with(x, x.current),
    ),
    Way(
        WITH_PORTION,
        needs=("total", "noncurrent", "portion"),
        when=includes_notes,
        parts=lambda x: [*filed(x.total), *_other_current(x, value_of(x.portion))],
    ),
    Way(
        NONCURRENT_AND_PORTION,
        needs=("noncurrent", "portion"),
        parts=lambda x: [
            *_noncurrent_with(x, x.portion),
            *_other_current(x, value_of(x.portion)),
        ],
    ),
    Way("long and short combined", needs=("combined",), parts=lambda x: filed(x.combined)),
    Way(
        WITH_PORTION,
        needs=("total", "noncurrent"),
        when=lambda x: _total_includes_borrowings(x) and _notes_fit_into_implied(x),
        parts=lambda x: filed(x.total),
    ),
    Way(
        WITH_PORTION,
        needs=("total", "noncurrent"),
        when=_total_above_noncurrent,
        parts=lambda x: [*filed(x.total), *_other_current(x, _implied_portion(x))],
    ),
    Way(
        "long-term debt + other current",
        needs=("total", "portion", "current"),
        parts=lambda x: filed(x.total, x.current, x.portion),
        value=_total_plus_other_current,
    ),
    Way(
        WITH_PORTION,
        needs=("total", "portion"),
        parts=lambda x: [*filed(x.total), *_other_current(x, value_of(x.portion))],
    ),
    Way(
        "long-term debt, with or without current debt",
        needs=("total", "current"),
        when=_is_total_unclear,
        parts=lambda x: filed(x.total),
        is_lower_bound=True,
    ),
    Way(
        "long-term debt + other current",
        needs=("total", "current"),
        when=lambda x: not (x.noncurrent or is_above(x.current, x.total)),
        parts=lambda x: filed(x.total, x.current),
        value=_total_plus_other_than_first_year,
    ),
    Way(
        WITH_PORTION,
        needs=("total", "noncurrent"),
        when=lambda x: not is_above(x.noncurrent, x.total),
        parts=lambda x: [*filed(x.total), *_current_lines(x)],
    ),
    Way(
        "long-term debt, with or without current notes",
        needs=("total",),
        when=are_notes_unclear,
        parts=lambda x: [*filed(x.total), *x.borrowings],
        is_lower_bound=True,
    ),
    Way(
        WITH_PORTION,
        needs=("total",),
        when=lambda x: not x.noncurrent,
        parts=lambda x: [*filed(x.total), *short_term_and_notes(x)],
    ),
    Way(
        "noncurrent + short-term",
        needs=("noncurrent",),
        when=lambda x: bool(_current_lines(x)),
        parts=lambda x: [*filed(x.noncurrent), *_current_lines(x)],
    ),
    Way("noncurrent only", needs=("noncurrent",), parts=lambda x: filed(x.noncurrent)),
)

# Ways that start from instruments on noncurrent lines, where no total is filed.
NONCURRENT_INSTRUMENT_WAYS = (
    Way(
        "notes, noncurrent + all current",
        needs=("instruments_noncurrent", "current"),
        parts=lambda x: [*x.instruments_noncurrent, *filed(x.current)],
    ),
    Way(
        "notes, noncurrent + current",
        needs=("instruments_noncurrent", "portion"),
        parts=lambda x: [
            *x.instruments_noncurrent,
            *filed(x.portion),
            *_other_current(x, value_of(x.portion)),
        ],
    ),
    Way(
        "notes, noncurrent + current",
        needs=("instruments_noncurrent",),
        parts=lambda x: [
            *x.instruments_noncurrent,
            *x.instruments_current,
            *short_term_debt_excluding_notes(x.known, x.day, x.instruments_current),
        ],
    ),
)

# Ways without noncurrent lines.
INSTRUMENT_WAYS = (
    Way(
        "notes",
        needs=("instruments",),
        parts=lambda x: [
            *x.instruments,
            *drop_same_debt(x.borrowings, [fact.value for fact in x.instruments]),
        ],
    ),
    Way(
        "short-term borrowings only",
        needs=("borrowings",),
        when=lambda x: not (x.current or x.portion or x.instruments_current),
        parts=lambda x: x.borrowings,
        is_lower_bound=True,
    ),
)
