"""Totals of a run: rows by table, items without data, broken rules, and its final state."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd
from prefect.client.schemas.objects import State, StateType

# temporary failures of a provider (retry later), as opposed to "no such data"
TEMPORARY_FAILURES = ("throttled", "outage", "refused")
MAX_NAMED_ITEMS = 8
# count names as people read them; the others read well as they are
LABELS = {"same": "unchanged", "removed": "deleted"}


@dataclass(kw_only=True)
class RunTotals:
    """Totals of a batch, a run, or several runs.

    Attributes:
        counts: Table to its numbers of rows new, changed, same, removed and quarantined.
        unsuccessful: Fetch status other than loaded to the items with that status.
        validation_failures: One sentence per batch that broke a critical rule, and per table or
            row that could not be derived.
        broken_rules: (table, rule, action) to its number of broken rows and one example.
        answered_count: Items for which the provider replied, be it that it has no data.
        message: Anything else to report; empty for nothing.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    unsuccessful: dict[str, list[str]] = field(default_factory=dict)
    validation_failures: list[str] = field(default_factory=list)
    broken_rules: dict[tuple[str, str, str], tuple[int, str]] = field(default_factory=dict)
    answered_count: int = 0
    message: str = ""

    def count(self, table: str, **numbers: int) -> None:
        """Add numbers of rows of a table."""
        table_counts = self.counts.setdefault(table, {})
        for name, number in numbers.items():
            table_counts[name] = table_counts.get(name, 0) + number

    def record_fetches(self, fetches: pd.DataFrame) -> None:
        """Record how many items were answered, and which had no data and why."""
        self.answered_count += int((~fetches["status"].isin(TEMPORARY_FAILURES)).sum())
        for fetch in fetches[fetches["status"] != "loaded"].itertuples():
            self.unsuccessful.setdefault(str(fetch.status), []).append(str(fetch.item))

    def record_rule_results(self, results: pd.DataFrame) -> None:
        """Record the rules that rows broke, with the first example of each."""
        columns = ["table_name", "rule", "action", "unexpected", "detail"]
        failed = results.loc[~results["success"].astype(bool), columns]
        for table, rule, action, row_count, detail in failed.itertuples(index=False, name=None):
            # the detail lists several rows
            example = detail.split(",")[0].split(" and ")[0]
            self._add_broken_rule((table, rule, action), int(row_count), example)

    def add(self, other: "RunTotals") -> None:
        """Add the totals of a batch or of another run."""
        for table, numbers in other.counts.items():
            self.count(table, **numbers)
        for status, items in other.unsuccessful.items():
            self.unsuccessful.setdefault(status, []).extend(items)
        for key, (row_count, example) in other.broken_rules.items():
            self._add_broken_rule(key, row_count, example)
        self.validation_failures += other.validation_failures
        self.answered_count += other.answered_count

    def _add_broken_rule(self, key: tuple[str, str, str], row_count: int, example: str) -> None:
        count_before, first_example = self.broken_rules.get(key, (0, example))
        self.broken_rules[key] = count_before + row_count, first_example

    def describe_broken_rules(self) -> list[str]:
        """Return one line per rule that rows broke, with one example."""
        return [
            f"{table}: {row_count:,} {'row breaks' if row_count == 1 else 'rows break'} {rule}"
            f" ({action}), for example {example}"
            for (table, rule, action), (row_count, example) in self.broken_rules.items()
        ]

    def degraded_reasons(self) -> list[str]:
        """Return why the run is degraded, one sentence each; an empty list if it is not."""
        temporary = {
            status: items
            for status, items in self.unsuccessful.items()
            if status in TEMPORARY_FAILURES
        }
        return _describe_items(temporary) + self.validation_failures

    def notes(self) -> list[str]:
        """Return message, items without data and failures, a line each."""
        message = [self.message] if self.message else []
        return message + _describe_items(self.unsuccessful) + self.validation_failures

    def summary(self) -> str:
        """Return a summary for people: the notes, with the rows by table after the message."""
        lines = self.notes()
        lines[bool(self.message) : bool(self.message)] = [
            f"{table}: "
            + ", ".join(f"{n:,} {LABELS.get(name, name)}" for name, n in counts.items())
            for table, counts in self.counts.items()
        ]
        return "\n".join(lines) or "No work to do."

    def final_state(self) -> tuple[str, StateType]:
        """Return the final state: its name in `audit.run`, and Prefect's type.

        Failed if no request succeeded, or if validation rejected everything; otherwise Degraded
        if anything is missing. A run that only derives sends no request: it fails if its own rows
        break a rule or could not be derived.
        """
        if not self.degraded_reasons():
            return "completed", StateType.COMPLETED
        loaded_nothing = not any(n for numbers in self.counts.values() for n in numbers.values())
        if self.answered_count == 0 or (self.validation_failures and loaded_nothing):
            return "failed", StateType.FAILED
        return "degraded", StateType.COMPLETED

    def to_prefect_state(self) -> State:
        """Return the flow's final state: Completed, Failed, or Completed with name Degraded."""
        name, state_type = self.final_state()
        return State(type=state_type, name=name.capitalize(), message=self.summary())


def _describe_items(items_by_status: dict[str, list[str]]) -> list[str]:
    return [
        f"{len(items)} {status}: {_name_some(items)}" for status, items in items_by_status.items()
    ]


def _name_some(items: Iterable[str]) -> str:
    # one fund is the item of many files
    unique = sorted(set(items))
    named = ", ".join(unique[:MAX_NAMED_ITEMS])
    hidden_count = len(unique) - MAX_NAMED_ITEMS
    return f"{named} and {hidden_count} more" if hidden_count > 0 else named
